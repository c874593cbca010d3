/** What a page may load. Whatever is not named it may not. */
export type PagePolicy = {
  /** `script-src`, such as `'self'` or `'sha256-…'`. */
  scripts: string;
  styles?: string;
  workers?: string;
};

/** For every answer: it is not to be taken for something else or kept, and another origin would get another one. */
export const answerHeaders = {
  "X-Content-Type-Options": "nosniff",
  "Cache-Control": "no-store",
  Vary: "Origin",
} as const;

/** For pages: only their own scripts run, they talk to this server only, and no other page holds them in a frame. */
export function pageHeaders({ scripts, styles = "'self'", workers }: PagePolicy): Record<string, string> {
  const policy = [
    "default-src 'none'",
    `script-src ${scripts}`,
    `style-src ${styles}`,
    `worker-src ${workers ?? "'none'"}`,
    "img-src 'self' data: https:",
    "font-src 'self' data:",
    "connect-src 'self'",
    "manifest-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ];
  return {
    ...answerHeaders,
    "Content-Security-Policy": policy.join("; "),
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
  };
}
