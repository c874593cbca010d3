// socket.io with its Redis adapter, as the adapter's README shows it for ioredis.
import { createServer } from "node:http";
import { createAdapter } from "@socket.io/redis-adapter";
import { Server } from "socket.io";
import { ready } from "./ready.js";
import { openRedis } from "./redis.js";

const pubClient = await openRedis(process.argv[2]);
const subClient = await openRedis(process.argv[2]);

const httpServer = createServer();
const io = new Server(httpServer, { adapter: createAdapter(pubClient, subClient) });

io.on("connection", (socket) => {
  socket.on("join", async (roomId, joined) => {
    await socket.join(`room.${roomId}`);
    joined();
  });
});

httpServer.listen({ port: 0, host: "127.0.0.1", backlog: 4096 }, () => ready(httpServer.address().port));
