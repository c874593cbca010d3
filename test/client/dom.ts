import { Window } from "happy-dom";

/** A page for React: what it needs of a browser, as globals. Import it before react-dom. */
export const page = new Window({ url: "http://localhost/" });

/** What is seen of the page, said by the test. */
export class TestIntersectionObserver {
  static readonly open = new Set<TestIntersectionObserver>();
  readonly observed = new Set<Element>();
  readonly #tell: IntersectionObserverCallback;

  constructor(tell: IntersectionObserverCallback) {
    this.#tell = tell;
    TestIntersectionObserver.open.add(this);
  }

  observe(element: Element): void {
    this.observed.add(element);
  }

  unobserve(element: Element): void {
    this.observed.delete(element);
  }

  disconnect(): void {
    this.observed.clear();
    TestIntersectionObserver.open.delete(this);
  }

  /** The elements with this text come into view, or go out of it. */
  static show(text: string, isIntersecting = true): void {
    for (const observer of TestIntersectionObserver.open) {
      const seen = [...observer.observed].filter((element) => element.textContent === text);
      const entries = seen.map((target) => ({ target, isIntersecting }) as IntersectionObserverEntry);
      if (entries.length > 0) observer.#tell(entries, observer as unknown as IntersectionObserver);
    }
  }

  static get observedTexts(): (string | null)[] {
    return [...TestIntersectionObserver.open].flatMap(({ observed }) => [...observed].map((one) => one.textContent));
  }
}

Object.assign(globalThis, {
  window: page,
  document: page.document,
  IntersectionObserver: TestIntersectionObserver,
});
