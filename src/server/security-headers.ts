import type { ServerResponse } from "node:http";

/** What a page may load. Whatever is not named it may not. */
export type PagePolicy = {
  /** `script-src`, such as `'self'` or `'sha256-…'`. */
  scripts: string;
  styles?: string;
  workers?: string;
};

/** For every answer: nothing of it is to be taken for something else, or kept. */
export function setAnswerHeaders(response: ServerResponse): void {
  response.setHeader("X-Content-Type-Options", "nosniff");
  response.setHeader("Cache-Control", "no-store");
}

/** For pages: only their own scripts run, they talk to this server only, and no other page holds them in a frame. */
export function setPageHeaders(response: ServerResponse, { scripts, styles = "'self'", workers }: PagePolicy): void {
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
  response.setHeader("Content-Security-Policy", policy.join("; "));
  response.setHeader("X-Frame-Options", "DENY");
  response.setHeader("Referrer-Policy", "no-referrer");
  response.setHeader("Cross-Origin-Opener-Policy", "same-origin");
  response.setHeader("Cross-Origin-Resource-Policy", "same-origin");
}
