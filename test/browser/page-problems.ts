import type { Page } from "playwright-core";

/** Takes down what goes wrong in a page without showing: faults, errors in the console, and whatever the page's policy refused. */
export function noteProblems(page: Page, problems: string[]): void {
  page.on("pageerror", (error) => problems.push(`fault: ${error.message}`));
  page.on("console", (message) => {
    if (message.type() === "error") problems.push(`console: ${message.text()}`);
  });
}
