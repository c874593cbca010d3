/** React hooks over the client kit. */
export { useAutoRead, type AutoReadOptions } from "./auto-read.ts";
export { useConnectionState, useInbox, useObservable } from "./observable.ts";
export { useIdle, usePresence, type IdleOptions } from "./presence.ts";
export { CauserieProvider, useChatClient, useClient } from "./provider.ts";
export { useRoom, type RoomView } from "./room.ts";
export { useTyping, type TypingView } from "./typing.ts";
