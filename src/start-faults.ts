const settingOfCode: Readonly<Record<string, string>> = {
  EADDRINUSE: "PORT",
  EACCES: "PORT",
  EADDRNOTAVAIL: "HOST",
  ENOTFOUND: "HOST",
};

/** What kept the server from listening, with the setting that it is about. */
export function listenFault(fault: unknown): Error {
  return ofSetting(settingOfCode[(fault as NodeJS.ErrnoException).code ?? ""], fault);
}

/** What kept the server from its database: of a given one, with the setting that it is about. */
export function databaseFault(fault: unknown, { isGiven }: { isGiven: boolean }): Error {
  return ofSetting(isGiven ? "DATABASE_URL" : undefined, fault);
}

function ofSetting(setting: string | undefined, fault: unknown): Error {
  const message = fault instanceof Error ? fault.message : String(fault);
  return new Error(setting === undefined ? message : `${setting}: ${message}`, { cause: fault });
}
