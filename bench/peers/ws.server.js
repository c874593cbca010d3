// The limit: bare ws, the bytes that came from Redis to every socket of the room. No protocol, no selection.
import { createServer } from "node:http";
import { WebSocketServer } from "ws";
import { ready } from "./ready.js";
import { openRedis } from "./redis.js";

const rooms = new Map();
const subscriber = await openRedis(process.argv[2]);
subscriber.on("messageBuffer", (channel, frame) => {
  for (const socket of rooms.get(channel.toString())) socket.send(frame, { binary: false });
});

const httpServer = createServer();
const wsServer = new WebSocketServer({ server: httpServer });
wsServer.on("connection", async (socket, request) => {
  const channel = `room.${request.url.slice(1)}`;
  let sockets = rooms.get(channel);
  if (sockets === undefined) {
    rooms.set(channel, (sockets = new Set()));
    await subscriber.subscribe(channel);
  }
  sockets.add(socket);
  socket.on("close", () => sockets.delete(socket));
});

httpServer.listen({ port: 0, host: "127.0.0.1", backlog: 4096 }, () => ready(httpServer.address().port));
