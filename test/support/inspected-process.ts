import { WebSocket } from "ws";
import { until } from "./until.ts";

/** Has a process that is started with it offer its inspector, at an address that it says on its standard error. */
export const inspectedEnv = { NODE_OPTIONS: "--inspect=127.0.0.1:0" };

/** What a process holds after a forced collection. */
export type Memory = { heapBytes: number; externalBytes: number; residentBytes: number };

/** A look into another process, over the inspector of Node. */
export interface Inspector extends Disposable {
  /** Collects all garbage first. */
  memory(): Promise<Memory>;
}

export async function inspect({ log }: { log: readonly string[] }): Promise<Inspector> {
  const address = () => /ws:\/\/\S+/.exec(log.find((line) => line.startsWith("Debugger listening")) ?? "")?.[0];
  await until("the process offers its inspector", () => address() !== undefined);
  const socket = new WebSocket(address()!, { perMessageDeflate: false });
  const waiting = new Map<number, (result: unknown) => void>();
  let lastId = 0;
  await new Promise<void>((resolve, reject) => {
    socket.once("open", resolve);
    socket.once("error", reject);
  });
  socket.on("message", (data: Buffer) => {
    const { id, result } = JSON.parse(data.toString()) as { id?: number; result?: unknown };
    if (id === undefined) return;
    waiting.get(id)?.(result);
    waiting.delete(id);
  });

  function call<Result>(method: string, params: object = {}): Promise<Result> {
    const id = (lastId += 1);
    socket.send(JSON.stringify({ id, method, params }));
    return new Promise((resolve) => waiting.set(id, resolve as (result: unknown) => void));
  }

  return {
    async memory() {
      await call("HeapProfiler.collectGarbage");
      const { result } = await call<{ result: { value: string } }>("Runtime.evaluate", {
        expression: "JSON.stringify(process.memoryUsage())",
        returnByValue: true,
      });
      const { heapUsed, external, rss } = JSON.parse(result.value) as NodeJS.MemoryUsage;
      return { heapBytes: heapUsed, externalBytes: external, residentBytes: rss };
    },
    [Symbol.dispose]: () => socket.terminate(),
  };
}
