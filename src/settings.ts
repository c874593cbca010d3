/** Variables of an environment as texts; `config.ts` says which ones there are. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** What makes a value of a text, null where it cannot, and what it takes, as words that follow "must be". */
export interface Form<T> {
  readonly parse: (text: string) => T | null;
  readonly allowed: string;
  /** The text may hold a password: it is never shown. */
  readonly hidden?: boolean;
}

export type Settings = ReturnType<typeof createSettings>;

/**
 * Reads settings one by one and collects what is wrong with them as lines of text, instead of stopping at the first.
 * Spaces around a text do not count; an empty text counts as not set.
 */
export function createSettings(env: Environment) {
  const problems: string[] = [];
  const problem = (name: string, what: string): void => void problems.push(`${name}: ${what}.`);
  const text = (name: string): string | null => env[name]?.trim() || null;

  function parsed<T>(name: string, given: string, form: Form<T>): T | null {
    const result = form.parse(given);
    if (result === null) problem(name, `${form.hidden === true ? "" : `is ${shown(given)}, `}must be ${form.allowed}`);
    return result;
  }

  function value<T>(name: string, form: Form<T>): T | null {
    const given = text(name);
    return given === null ? null : parsed(name, given, form);
  }

  return {
    problems,
    problem,
    text,
    /** Null where it is not set, or wrong. */
    value,
    /** Commas between; empty parts are passed over. */
    list<T>(name: string, form: Form<T>): T[] {
      const parts = (env[name] ?? "").split(",").map((part) => part.trim());
      return parts.filter((part) => part !== "").flatMap((part) => parsed(name, part, form) ?? []);
    },
    integer(name: string, range: { fallback: number; min: number; max: number }): number {
      return value(name, integerBetween(range.min, range.max)) ?? range.fallback;
    },
    isOn(name: string, fallback: boolean): boolean {
      const given = value(name, oneOf(["on", "off"]));
      return given === null ? fallback : given === "on";
    },
  };
}

export function oneOf<T extends string>(allowed: readonly T[]): Form<T> {
  const parse = (value: string) => allowed.find((item) => item === value.toLowerCase()) ?? null;
  return { parse, allowed: `${allowed.slice(0, -1).join(", ")} or ${allowed.at(-1)}` };
}

function integerBetween(min: number, max: number): Form<number> {
  const parse = (value: string) => {
    const number = /^\d{1,12}$/.test(value) ? Number(value) : Number.NaN;
    return number >= min && number <= max ? number : null;
  };
  return { parse, allowed: `a whole number from ${min} to ${max}` };
}

/** An http(s) URL without user, password and fragment, as WHATWG writes it. */
export const webUrl: Form<string> = {
  parse(value) {
    const url = URL.parse(value);
    const usable = url !== null && isWeb(url) && url.username + url.password + url.hash === "";
    return usable ? url.href : null;
  },
  allowed: "an http(s) URL without user, password or fragment",
  hidden: true,
};

/** The same without a query, and without a slash at its end: paths are put behind it. */
export const webBase: Form<string> = {
  parse(value) {
    const href = webUrl.parse(value);
    return href === null || href.includes("?") ? null : href.replace(/\/+$/, "");
  },
  allowed: "an http(s) URL without user, password, query or fragment",
  hidden: true,
};

/** As browsers write it: lower case, no default port. Schemes of apps (`capacitor://localhost`) are origins too. */
export const webOrigin: Form<string> = {
  parse(value) {
    const lower = value.toLowerCase();
    if (!/^[a-z][a-z0-9+.-]*:\/\/[^/?#@*\s]+$/.test(lower) || lower.startsWith("file:")) return null;
    const url = URL.parse(lower);
    return url !== null && isWeb(url) ? url.origin : url && lower;
  },
  allowed: "origins such as https://chat.example, commas between, no path and no pattern",
};

/** Something behind one of these schemes; what opens it reads the rest. */
export function urlOf(schemes: readonly string[]): Form<string> {
  const parse = (value: string) => (schemes.includes(/^([^:]+):\/\/./.exec(value)?.[1] ?? "") ? value : null);
  return {
    parse,
    allowed: `a URL that begins with ${schemes.map((scheme) => `${scheme}://`).join(" or ")}`,
    hidden: true,
  };
}

const isWeb = (url: URL) => url.protocol === "http:" || url.protocol === "https:";
const shown = (value: string) => JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value);
