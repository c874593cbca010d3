import { once } from "node:events";
import { WebSocketServer } from "ws";

/** A server that lets clients in and then ends them at once, each with the next of these codes; the tokens that it was shown. */
export async function startClosingServer(codes: number[]) {
  const tokens: unknown[] = [];
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1", handleProtocols: () => "graphql-transport-ws" });
  await once(server, "listening");
  server.on("connection", (socket) => {
    socket.once("message", (data: Buffer) => {
      const { payload } = JSON.parse(data.toString()) as { payload: { authorization: string } };
      tokens.push(payload.authorization);
      socket.send('{"type":"connection_ack"}');
      const code = codes.shift();
      if (code === 1006) socket.terminate();
      else if (code !== undefined) socket.close(code, "As the test wants it");
    });
  });
  const { port } = server.address() as { port: number };
  const close = async () => {
    for (const socket of server.clients) socket.terminate();
    server.close();
    await once(server, "close");
  };
  return { url: `http://127.0.0.1:${port}`, tokens, [Symbol.asyncDispose]: close };
}
