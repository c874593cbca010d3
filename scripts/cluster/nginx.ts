import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { startProcess, type ManagedProcess } from "./managed-process.ts";
import type { Programs } from "./programs.ts";

const template = new URL("../../nginx/nginx.conf.template", import.meta.url);
const answerWithinMs = 2_000;

export interface NginxOptions {
  readonly folder: string;
  readonly programs: Programs;
  readonly port: number;
  /** By their names. */
  readonly nodes: readonly { readonly id: string; readonly port: number }[];
}

/** nginx on 127.0.0.1 in front of the nodes, whether or not they are up. */
export async function startNginx(options: NginxOptions): Promise<ManagedProcess> {
  const { folder, port, nodes } = options;
  const prefix = join(folder, "nginx");
  await mkdir(prefix, { mode: 0o711 });
  const variables = { LISTEN: `127.0.0.1:${port}`, UPSTREAMS: upstreams(nodes) };
  await writeFile(join(prefix, "nginx.conf"), filled(await readFile(template, "utf8"), variables));
  return startProcess({
    name: "nginx",
    port,
    command: [options.programs.nginx, "-p", prefix, "-c", "nginx.conf", "-e", "stderr", "-g", "daemon off;"],
    logFile: join(folder, "nginx.log"),
    isReady: async () => (await ask(port)).status === 404,
  });
}

const ask = (port: number) =>
  fetch(`http://127.0.0.1:${port}/metrics`, { signal: AbortSignal.timeout(answerWithinMs) });

/** As envsubst does it. */
function filled(text: string, variables: Readonly<Record<string, string>>): string {
  return text.replace(/\$\{(\w+)\}/g, (whole, name: string) => variables[name] ?? whole);
}

function upstreams(nodes: NginxOptions["nodes"]): string {
  const servers = nodes.map(({ port }) => `server 127.0.0.1:${port} max_fails=1 fail_timeout=2s;`);
  const each = nodes.map(({ id, port }) => `upstream ${id} { server 127.0.0.1:${port} max_fails=0; }`);
  return `upstream causerie { hash $routing_key consistent; ${servers.join(" ")} keepalive 64; }\n${each.join("\n")}`;
}
