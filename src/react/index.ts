export { useAutoRead, type AutoReadOptions } from "./auto-read.ts";
export { useConnectionState, useInbox, useObservable } from "./observable.ts";
export { CauserieProvider, useChatClient, useClient } from "./provider.ts";
export { useRoom, type RoomView } from "./room.ts";
