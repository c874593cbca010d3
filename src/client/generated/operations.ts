/* Generated from schema.graphql and src/client/operations by `npm run codegen`. */
/** Internal type. DO NOT USE DIRECTLY. */
type Exact<T extends { [key: string]: unknown }> = { [K in keyof T]: T[K] };
/** Internal type. DO NOT USE DIRECTLY. */
export type Incremental<T> = T | { [P in keyof T]?: P extends ' $fragmentName' | '__typename' ? T[P] : never };
import type { DocumentTypeDecoration } from '@graphql-typed-document-node/core';
export type AddMemberInput = {
  role?: MemberRole;
  roomId: string;
  userId: string;
};

export type CreateRoomInput = {
  memberIds?: Array<string>;
  name: string;
};

export type DeleteMessageInput = {
  messageId: string;
  roomId: string;
};

export type Device =
  | 'DESKTOP'
  | 'MOBILE'
  | 'WEB';

export type EditMessageInput = {
  content: string;
  messageId: string;
  roomId: string;
};

/** Give `messageIds` (1 to 500) or `upToId`, not both. */
export type MarkReadInput = {
  messageIds?: Array<string> | null | undefined;
  roomId: string;
  upToId?: string | null | undefined;
};

export type MemberRole =
  | 'ADMIN'
  | 'MEMBER'
  | 'OWNER';

export type OpenDirectRoomInput = {
  userId: string;
};

export type PresenceStatus =
  | 'AWAY'
  | 'BUSY'
  | 'OFFLINE'
  | 'ONLINE';

export type RefreshTokenInput = {
  token: string;
};

export type RemoveMemberInput = {
  roomId: string;
  userId: string;
};

export type RoomEventKind =
  | 'MEMBER'
  | 'MESSAGE'
  | 'RECEIPT'
  | 'ROOM';

export type RoomKind =
  | 'DIRECT'
  | 'GROUP';

export type SendMessageInput = {
  /** 1 to 64 characters chosen by the client, best a UUID; made by the server where left out. */
  clientMessageId?: string | null | undefined;
  /** 1 to 8,000 characters (Unicode code points). */
  content: string;
  replyToId?: string | null | undefined;
  roomId: string;
};

/** What is left out stays, null clears. OFFLINE: appear offline. */
export type SetPresenceInput = {
  currentRoomId?: string | null | undefined;
  /** 1 to 100 characters (Unicode code points), no line breaks. */
  customStatus?: string | null | undefined;
  device?: Device | null | undefined;
  doNotDisturbUntil?: string | null | undefined;
  status?: PresenceStatus | null | undefined;
};

export type SetTypingInput = {
  isTyping: boolean;
  roomId: string;
};

export type UpdateMemberInput = {
  role: MemberRole;
  roomId: string;
  userId: string;
};

export type UpdateRoomInput = {
  name: string;
  roomId: string;
};

export type UserErrorCode =
  | 'CONFLICT'
  | 'FORBIDDEN'
  | 'INVALID'
  | 'NOT_FOUND'
  | 'RATE_LIMITED';

export type UserFieldsFragment = { id: string, name: string, avatarUrl: string | null };

export type MessageFieldsFragment = { id: string, clientMessageId: string, position: string, version: string, content: string | null, hlc: string, sentAt: string, editedAt: string | null, deletedAt: string | null, sender: { id: string, name: string, avatarUrl: string | null }, replyTo: { id: string, content: string | null, deletedAt: string | null, sender: { id: string, name: string, avatarUrl: string | null } } | null };

export type MemberFieldsFragment = { id: string, version: string, role: MemberRole, joinedAt: string, leftAt: string | null, user: { id: string, name: string, avatarUrl: string | null } };

type EventFields_MemberJoined_Fragment = { cursor: string, previousCursor: string | null, member: { id: string, version: string, role: MemberRole, joinedAt: string, leftAt: string | null, user: { id: string, name: string, avatarUrl: string | null } }, room: { id: string, kind: RoomKind, name: string | null, memberCount: number } };

type EventFields_MemberLeft_Fragment = { cursor: string, previousCursor: string | null, user: { id: string, name: string, avatarUrl: string | null }, room: { id: string, kind: RoomKind, name: string | null, memberCount: number } };

type EventFields_MemberUpdated_Fragment = { cursor: string, previousCursor: string | null, member: { id: string, version: string, role: MemberRole, joinedAt: string, leftAt: string | null, user: { id: string, name: string, avatarUrl: string | null } }, room: { id: string, kind: RoomKind, name: string | null, memberCount: number } };

type EventFields_MessageDeleted_Fragment = { cursor: string, previousCursor: string | null, message: { id: string, clientMessageId: string, position: string, version: string, content: string | null, hlc: string, sentAt: string, editedAt: string | null, deletedAt: string | null, sender: { id: string, name: string, avatarUrl: string | null }, replyTo: { id: string, content: string | null, deletedAt: string | null, sender: { id: string, name: string, avatarUrl: string | null } } | null }, room: { id: string, kind: RoomKind, name: string | null, memberCount: number } };

type EventFields_MessageEdited_Fragment = { cursor: string, previousCursor: string | null, message: { id: string, clientMessageId: string, position: string, version: string, content: string | null, hlc: string, sentAt: string, editedAt: string | null, deletedAt: string | null, sender: { id: string, name: string, avatarUrl: string | null }, replyTo: { id: string, content: string | null, deletedAt: string | null, sender: { id: string, name: string, avatarUrl: string | null } } | null }, room: { id: string, kind: RoomKind, name: string | null, memberCount: number } };

type EventFields_MessageSent_Fragment = { cursor: string, previousCursor: string | null, message: { id: string, clientMessageId: string, position: string, version: string, content: string | null, hlc: string, sentAt: string, editedAt: string | null, deletedAt: string | null, sender: { id: string, name: string, avatarUrl: string | null }, replyTo: { id: string, content: string | null, deletedAt: string | null, sender: { id: string, name: string, avatarUrl: string | null } } | null }, room: { id: string, kind: RoomKind, name: string | null, memberCount: number } };

type EventFields_MessagesRead_Fragment = { cursor: string, previousCursor: string | null, ranges: Array<{ from: string, through: string, readAt: string, reader: { id: string, name: string, avatarUrl: string | null } }>, room: { id: string, kind: RoomKind, name: string | null, memberCount: number } };

type EventFields_RoomUpdated_Fragment = { cursor: string, previousCursor: string | null, room: { id: string, kind: RoomKind, name: string | null, memberCount: number } };

export type EventFieldsFragment =
  | EventFields_MemberJoined_Fragment
  | EventFields_MemberLeft_Fragment
  | EventFields_MemberUpdated_Fragment
  | EventFields_MessageDeleted_Fragment
  | EventFields_MessageEdited_Fragment
  | EventFields_MessageSent_Fragment
  | EventFields_MessagesRead_Fragment
  | EventFields_RoomUpdated_Fragment
;

export type RoomEventsSubscriptionVariables = Exact<{
  roomId: string;
  after?: string | null | undefined;
  kinds?: Array<RoomEventKind> | RoomEventKind | null | undefined;
}>;


export type RoomEventsSubscription = { roomEvents:
    | { __typename: 'CaughtUp', cursors: Array<string> }
    | { __typename: 'MemberJoined', cursor: string, previousCursor: string | null, member: { id: string, version: string, role: MemberRole, joinedAt: string, leftAt: string | null, user: { id: string, name: string, avatarUrl: string | null } }, room: { id: string, kind: RoomKind, name: string | null, memberCount: number } }
    | { __typename: 'MemberLeft', cursor: string, previousCursor: string | null, user: { id: string, name: string, avatarUrl: string | null }, room: { id: string, kind: RoomKind, name: string | null, memberCount: number } }
    | { __typename: 'MemberUpdated', cursor: string, previousCursor: string | null, member: { id: string, version: string, role: MemberRole, joinedAt: string, leftAt: string | null, user: { id: string, name: string, avatarUrl: string | null } }, room: { id: string, kind: RoomKind, name: string | null, memberCount: number } }
    | { __typename: 'MessageDeleted', cursor: string, previousCursor: string | null, message: { id: string, clientMessageId: string, position: string, version: string, content: string | null, hlc: string, sentAt: string, editedAt: string | null, deletedAt: string | null, sender: { id: string, name: string, avatarUrl: string | null }, replyTo: { id: string, content: string | null, deletedAt: string | null, sender: { id: string, name: string, avatarUrl: string | null } } | null }, room: { id: string, kind: RoomKind, name: string | null, memberCount: number } }
    | { __typename: 'MessageEdited', cursor: string, previousCursor: string | null, message: { id: string, clientMessageId: string, position: string, version: string, content: string | null, hlc: string, sentAt: string, editedAt: string | null, deletedAt: string | null, sender: { id: string, name: string, avatarUrl: string | null }, replyTo: { id: string, content: string | null, deletedAt: string | null, sender: { id: string, name: string, avatarUrl: string | null } } | null }, room: { id: string, kind: RoomKind, name: string | null, memberCount: number } }
    | { __typename: 'MessageSent', cursor: string, previousCursor: string | null, message: { id: string, clientMessageId: string, position: string, version: string, content: string | null, hlc: string, sentAt: string, editedAt: string | null, deletedAt: string | null, sender: { id: string, name: string, avatarUrl: string | null }, replyTo: { id: string, content: string | null, deletedAt: string | null, sender: { id: string, name: string, avatarUrl: string | null } } | null }, room: { id: string, kind: RoomKind, name: string | null, memberCount: number } }
    | { __typename: 'MessagesRead', cursor: string, previousCursor: string | null, ranges: Array<{ from: string, through: string, readAt: string, reader: { id: string, name: string, avatarUrl: string | null } }>, room: { id: string, kind: RoomKind, name: string | null, memberCount: number } }
    | { __typename: 'RoomUpdated', cursor: string, previousCursor: string | null, room: { id: string, kind: RoomKind, name: string | null, memberCount: number } }
   };

export type InboxSubscriptionVariables = Exact<{
  after?: Array<string> | string | null | undefined;
  kinds?: Array<RoomEventKind> | RoomEventKind | null | undefined;
}>;


export type InboxSubscription = { inbox:
    | { __typename: 'CaughtUp', cursors: Array<string> }
    | { __typename: 'MemberJoined', cursor: string, previousCursor: string | null, member: { id: string, version: string, role: MemberRole, joinedAt: string, leftAt: string | null, user: { id: string, name: string, avatarUrl: string | null } }, room: { id: string, kind: RoomKind, name: string | null, memberCount: number } }
    | { __typename: 'MemberLeft', cursor: string, previousCursor: string | null, user: { id: string, name: string, avatarUrl: string | null }, room: { id: string, kind: RoomKind, name: string | null, memberCount: number } }
    | { __typename: 'MemberUpdated', cursor: string, previousCursor: string | null, member: { id: string, version: string, role: MemberRole, joinedAt: string, leftAt: string | null, user: { id: string, name: string, avatarUrl: string | null } }, room: { id: string, kind: RoomKind, name: string | null, memberCount: number } }
    | { __typename: 'MessageDeleted', cursor: string, previousCursor: string | null, message: { id: string, clientMessageId: string, position: string, version: string, content: string | null, hlc: string, sentAt: string, editedAt: string | null, deletedAt: string | null, sender: { id: string, name: string, avatarUrl: string | null }, replyTo: { id: string, content: string | null, deletedAt: string | null, sender: { id: string, name: string, avatarUrl: string | null } } | null }, room: { id: string, kind: RoomKind, name: string | null, memberCount: number } }
    | { __typename: 'MessageEdited', cursor: string, previousCursor: string | null, message: { id: string, clientMessageId: string, position: string, version: string, content: string | null, hlc: string, sentAt: string, editedAt: string | null, deletedAt: string | null, sender: { id: string, name: string, avatarUrl: string | null }, replyTo: { id: string, content: string | null, deletedAt: string | null, sender: { id: string, name: string, avatarUrl: string | null } } | null }, room: { id: string, kind: RoomKind, name: string | null, memberCount: number } }
    | { __typename: 'MessageSent', cursor: string, previousCursor: string | null, message: { id: string, clientMessageId: string, position: string, version: string, content: string | null, hlc: string, sentAt: string, editedAt: string | null, deletedAt: string | null, sender: { id: string, name: string, avatarUrl: string | null }, replyTo: { id: string, content: string | null, deletedAt: string | null, sender: { id: string, name: string, avatarUrl: string | null } } | null }, room: { id: string, kind: RoomKind, name: string | null, memberCount: number } }
    | { __typename: 'MessagesRead', cursor: string, previousCursor: string | null, ranges: Array<{ from: string, through: string, readAt: string, reader: { id: string, name: string, avatarUrl: string | null } }>, room: { id: string, kind: RoomKind, name: string | null, memberCount: number } }
    | { __typename: 'RoomUpdated', cursor: string, previousCursor: string | null, room: { id: string, kind: RoomKind, name: string | null, memberCount: number } }
   };

export type SyncQueryVariables = Exact<{
  after: Array<string> | string;
  first?: number | null | undefined;
}>;


export type SyncQuery = { sync: { cursors: Array<string>, hasMore: boolean, events: Array<
      | { __typename: 'MemberJoined', cursor: string, previousCursor: string | null, member: { id: string, version: string, role: MemberRole, joinedAt: string, leftAt: string | null, user: { id: string, name: string, avatarUrl: string | null } }, room: { id: string, kind: RoomKind, name: string | null, memberCount: number } }
      | { __typename: 'MemberLeft', cursor: string, previousCursor: string | null, user: { id: string, name: string, avatarUrl: string | null }, room: { id: string, kind: RoomKind, name: string | null, memberCount: number } }
      | { __typename: 'MemberUpdated', cursor: string, previousCursor: string | null, member: { id: string, version: string, role: MemberRole, joinedAt: string, leftAt: string | null, user: { id: string, name: string, avatarUrl: string | null } }, room: { id: string, kind: RoomKind, name: string | null, memberCount: number } }
      | { __typename: 'MessageDeleted', cursor: string, previousCursor: string | null, message: { id: string, clientMessageId: string, position: string, version: string, content: string | null, hlc: string, sentAt: string, editedAt: string | null, deletedAt: string | null, sender: { id: string, name: string, avatarUrl: string | null }, replyTo: { id: string, content: string | null, deletedAt: string | null, sender: { id: string, name: string, avatarUrl: string | null } } | null }, room: { id: string, kind: RoomKind, name: string | null, memberCount: number } }
      | { __typename: 'MessageEdited', cursor: string, previousCursor: string | null, message: { id: string, clientMessageId: string, position: string, version: string, content: string | null, hlc: string, sentAt: string, editedAt: string | null, deletedAt: string | null, sender: { id: string, name: string, avatarUrl: string | null }, replyTo: { id: string, content: string | null, deletedAt: string | null, sender: { id: string, name: string, avatarUrl: string | null } } | null }, room: { id: string, kind: RoomKind, name: string | null, memberCount: number } }
      | { __typename: 'MessageSent', cursor: string, previousCursor: string | null, message: { id: string, clientMessageId: string, position: string, version: string, content: string | null, hlc: string, sentAt: string, editedAt: string | null, deletedAt: string | null, sender: { id: string, name: string, avatarUrl: string | null }, replyTo: { id: string, content: string | null, deletedAt: string | null, sender: { id: string, name: string, avatarUrl: string | null } } | null }, room: { id: string, kind: RoomKind, name: string | null, memberCount: number } }
      | { __typename: 'MessagesRead', cursor: string, previousCursor: string | null, ranges: Array<{ from: string, through: string, readAt: string, reader: { id: string, name: string, avatarUrl: string | null } }>, room: { id: string, kind: RoomKind, name: string | null, memberCount: number } }
      | { __typename: 'RoomUpdated', cursor: string, previousCursor: string | null, room: { id: string, kind: RoomKind, name: string | null, memberCount: number } }
    > } };

export type SendMessageMutationVariables = Exact<{
  input: SendMessageInput;
}>;


export type SendMessageMutation = { sendMessage: { message: { id: string, clientMessageId: string, position: string, version: string, content: string | null, hlc: string, sentAt: string, editedAt: string | null, deletedAt: string | null, sender: { id: string, name: string, avatarUrl: string | null }, replyTo: { id: string, content: string | null, deletedAt: string | null, sender: { id: string, name: string, avatarUrl: string | null } } | null } | null, userErrors: Array<
      | { __typename: 'ConflictError', code: UserErrorCode, message: string, path: Array<string> | null }
      | { __typename: 'ForbiddenError', code: UserErrorCode, message: string, path: Array<string> | null }
      | { __typename: 'InputError', code: UserErrorCode, message: string, path: Array<string> | null }
      | { __typename: 'NotFoundError', code: UserErrorCode, message: string, path: Array<string> | null }
      | { __typename: 'RateLimitedError', retryAfterMs: number, code: UserErrorCode, message: string, path: Array<string> | null }
    > } };

export type EditMessageMutationVariables = Exact<{
  input: EditMessageInput;
}>;


export type EditMessageMutation = { editMessage: { message: { id: string, clientMessageId: string, position: string, version: string, content: string | null, hlc: string, sentAt: string, editedAt: string | null, deletedAt: string | null, sender: { id: string, name: string, avatarUrl: string | null }, replyTo: { id: string, content: string | null, deletedAt: string | null, sender: { id: string, name: string, avatarUrl: string | null } } | null } | null, userErrors: Array<
      | { __typename: 'ConflictError', code: UserErrorCode, message: string, path: Array<string> | null }
      | { __typename: 'ForbiddenError', code: UserErrorCode, message: string, path: Array<string> | null }
      | { __typename: 'InputError', code: UserErrorCode, message: string, path: Array<string> | null }
      | { __typename: 'NotFoundError', code: UserErrorCode, message: string, path: Array<string> | null }
      | { __typename: 'RateLimitedError', retryAfterMs: number, code: UserErrorCode, message: string, path: Array<string> | null }
    > } };

export type DeleteMessageMutationVariables = Exact<{
  input: DeleteMessageInput;
}>;


export type DeleteMessageMutation = { deleteMessage: { message: { id: string, clientMessageId: string, position: string, version: string, content: string | null, hlc: string, sentAt: string, editedAt: string | null, deletedAt: string | null, sender: { id: string, name: string, avatarUrl: string | null }, replyTo: { id: string, content: string | null, deletedAt: string | null, sender: { id: string, name: string, avatarUrl: string | null } } | null } | null, userErrors: Array<
      | { __typename: 'ConflictError', code: UserErrorCode, message: string, path: Array<string> | null }
      | { __typename: 'ForbiddenError', code: UserErrorCode, message: string, path: Array<string> | null }
      | { __typename: 'InputError', code: UserErrorCode, message: string, path: Array<string> | null }
      | { __typename: 'NotFoundError', code: UserErrorCode, message: string, path: Array<string> | null }
      | { __typename: 'RateLimitedError', retryAfterMs: number, code: UserErrorCode, message: string, path: Array<string> | null }
    > } };

export type MarkReadMutationVariables = Exact<{
  input: MarkReadInput;
}>;


export type MarkReadMutation = { markRead: { room: { id: string, cursor: string, unreadCount: number } | null, userErrors: Array<
      | { __typename: 'ConflictError', code: UserErrorCode, message: string, path: Array<string> | null }
      | { __typename: 'ForbiddenError', code: UserErrorCode, message: string, path: Array<string> | null }
      | { __typename: 'InputError', code: UserErrorCode, message: string, path: Array<string> | null }
      | { __typename: 'NotFoundError', code: UserErrorCode, message: string, path: Array<string> | null }
      | { __typename: 'RateLimitedError', retryAfterMs: number, code: UserErrorCode, message: string, path: Array<string> | null }
    > } };

export type RefreshTokenMutationVariables = Exact<{
  input: RefreshTokenInput;
}>;


export type RefreshTokenMutation = { refreshToken: { expiresAt: string | null, userErrors: Array<
      | { __typename: 'ConflictError', code: UserErrorCode, message: string, path: Array<string> | null }
      | { __typename: 'ForbiddenError', code: UserErrorCode, message: string, path: Array<string> | null }
      | { __typename: 'InputError', code: UserErrorCode, message: string, path: Array<string> | null }
      | { __typename: 'NotFoundError', code: UserErrorCode, message: string, path: Array<string> | null }
      | { __typename: 'RateLimitedError', retryAfterMs: number, code: UserErrorCode, message: string, path: Array<string> | null }
    > } };

export type PresenceFieldsFragment = { id: string, status: PresenceStatus, lastSeen: string | null, devices: Array<Device>, customStatus: string | null, doNotDisturbUntil: string | null, currentRoom: { id: string } | null };

export type PresenceSubscriptionVariables = Exact<{
  userIds?: Array<string> | string | null | undefined;
}>;


export type PresenceSubscription = { presence: Array<{ id: string, status: PresenceStatus, lastSeen: string | null, devices: Array<Device>, customStatus: string | null, doNotDisturbUntil: string | null, currentRoom: { id: string } | null }> };

export type OnlineUsersQueryVariables = Exact<{
  since?: string | null | undefined;
  first?: number | null | undefined;
  after?: string | null | undefined;
}>;


export type OnlineUsersQuery = { onlineUsers: { edges: Array<{ node: { id: string, status: PresenceStatus, lastSeen: string | null, devices: Array<Device>, customStatus: string | null, doNotDisturbUntil: string | null, user: { id: string, name: string, avatarUrl: string | null }, currentRoom: { id: string } | null } }>, pageInfo: { hasNextPage: boolean, endCursor: string | null } } };

export type SetPresenceMutationVariables = Exact<{
  input: SetPresenceInput;
}>;


export type SetPresenceMutation = { setPresence: { presence: { id: string, status: PresenceStatus, lastSeen: string | null, devices: Array<Device>, customStatus: string | null, doNotDisturbUntil: string | null, currentRoom: { id: string } | null } | null, userErrors: Array<
      | { __typename: 'ConflictError', code: UserErrorCode, message: string, path: Array<string> | null }
      | { __typename: 'ForbiddenError', code: UserErrorCode, message: string, path: Array<string> | null }
      | { __typename: 'InputError', code: UserErrorCode, message: string, path: Array<string> | null }
      | { __typename: 'NotFoundError', code: UserErrorCode, message: string, path: Array<string> | null }
      | { __typename: 'RateLimitedError', retryAfterMs: number, code: UserErrorCode, message: string, path: Array<string> | null }
    > } };

export type RoomCountsFragment = { id: string, cursor: string, unreadCount: number };

export type RoomFieldsFragment = { kind: RoomKind, name: string | null, createdAt: string, memberCount: number, id: string, cursor: string, unreadCount: number, peer: { id: string, name: string, avatarUrl: string | null } | null, membership: { id: string, version: string, role: MemberRole, joinedAt: string, leftAt: string | null, user: { id: string, name: string, avatarUrl: string | null } } | null, lastMessage: { id: string, clientMessageId: string, position: string, version: string, content: string | null, hlc: string, sentAt: string, editedAt: string | null, deletedAt: string | null, sender: { id: string, name: string, avatarUrl: string | null }, replyTo: { id: string, content: string | null, deletedAt: string | null, sender: { id: string, name: string, avatarUrl: string | null } } | null } | null };

type ErrorFields_ConflictError_Fragment = { __typename: 'ConflictError', code: UserErrorCode, message: string, path: Array<string> | null };

type ErrorFields_ForbiddenError_Fragment = { __typename: 'ForbiddenError', code: UserErrorCode, message: string, path: Array<string> | null };

type ErrorFields_InputError_Fragment = { __typename: 'InputError', code: UserErrorCode, message: string, path: Array<string> | null };

type ErrorFields_NotFoundError_Fragment = { __typename: 'NotFoundError', code: UserErrorCode, message: string, path: Array<string> | null };

type ErrorFields_RateLimitedError_Fragment = { __typename: 'RateLimitedError', retryAfterMs: number, code: UserErrorCode, message: string, path: Array<string> | null };

export type ErrorFieldsFragment =
  | ErrorFields_ConflictError_Fragment
  | ErrorFields_ForbiddenError_Fragment
  | ErrorFields_InputError_Fragment
  | ErrorFields_NotFoundError_Fragment
  | ErrorFields_RateLimitedError_Fragment
;

export type ViewerQueryVariables = Exact<{ [key: string]: never; }>;


export type ViewerQuery = { viewer: { id: string, name: string, avatarUrl: string | null } };

export type UsersQueryVariables = Exact<{
  search: string;
  first?: number | null | undefined;
  after?: string | null | undefined;
}>;


export type UsersQuery = { users: { edges: Array<{ node: { id: string, name: string, avatarUrl: string | null } }>, pageInfo: { hasNextPage: boolean, endCursor: string | null } } };

export type RoomsQueryVariables = Exact<{
  first?: number | null | undefined;
  after?: string | null | undefined;
}>;


export type RoomsQuery = { rooms: { edges: Array<{ node: { kind: RoomKind, name: string | null, createdAt: string, memberCount: number, id: string, cursor: string, unreadCount: number, peer: { id: string, name: string, avatarUrl: string | null } | null, membership: { id: string, version: string, role: MemberRole, joinedAt: string, leftAt: string | null, user: { id: string, name: string, avatarUrl: string | null } } | null, lastMessage: { id: string, clientMessageId: string, position: string, version: string, content: string | null, hlc: string, sentAt: string, editedAt: string | null, deletedAt: string | null, sender: { id: string, name: string, avatarUrl: string | null }, replyTo: { id: string, content: string | null, deletedAt: string | null, sender: { id: string, name: string, avatarUrl: string | null } } | null } | null } }>, pageInfo: { hasNextPage: boolean, endCursor: string | null } } };

export type RoomCursorsQueryVariables = Exact<{
  first?: number | null | undefined;
  after?: string | null | undefined;
}>;


export type RoomCursorsQuery = { rooms: { edges: Array<{ node: { id: string, cursor: string } }> } };

export type RoomCursorQueryVariables = Exact<{
  id: string;
}>;


export type RoomCursorQuery = { room: { id: string, cursor: string } | null };

export type RoomQueryVariables = Exact<{
  id: string;
}>;


export type RoomQuery = { room: { kind: RoomKind, name: string | null, createdAt: string, memberCount: number, id: string, cursor: string, unreadCount: number, peer: { id: string, name: string, avatarUrl: string | null } | null, membership: { id: string, version: string, role: MemberRole, joinedAt: string, leftAt: string | null, user: { id: string, name: string, avatarUrl: string | null } } | null, lastMessage: { id: string, clientMessageId: string, position: string, version: string, content: string | null, hlc: string, sentAt: string, editedAt: string | null, deletedAt: string | null, sender: { id: string, name: string, avatarUrl: string | null }, replyTo: { id: string, content: string | null, deletedAt: string | null, sender: { id: string, name: string, avatarUrl: string | null } } | null } | null } | null };

export type RoomMembersQueryVariables = Exact<{
  id: string;
  first?: number | null | undefined;
  after?: string | null | undefined;
}>;


export type RoomMembersQuery = { room: { id: string, members: { edges: Array<{ node: { id: string, version: string, role: MemberRole, joinedAt: string, leftAt: string | null, user: { id: string, name: string, avatarUrl: string | null } } }>, pageInfo: { hasNextPage: boolean, endCursor: string | null } } } | null };

export type RoomMessagesQueryVariables = Exact<{
  id: string;
  last?: number | null | undefined;
  before?: string | null | undefined;
  readers?: number | null | undefined;
}>;


export type RoomMessagesQuery = { room: { id: string, cursor: string, membership: { id: string, user: { id: string, name: string, avatarUrl: string | null }, readThrough: { id: string, position: string } | null } | null, messages: { edges: Array<{ node: { readAt: string | null, id: string, clientMessageId: string, position: string, version: string, content: string | null, hlc: string, sentAt: string, editedAt: string | null, deletedAt: string | null, readBy: { edges: Array<{ node: { id: string, readAt: string, reader: { id: string, name: string, avatarUrl: string | null } } }> }, sender: { id: string, name: string, avatarUrl: string | null }, replyTo: { id: string, content: string | null, deletedAt: string | null, sender: { id: string, name: string, avatarUrl: string | null } } | null } }>, pageInfo: { hasPreviousPage: boolean, startCursor: string | null } } } | null };

export type RoomPlacesQueryVariables = Exact<{
  id: string;
  before?: string | null | undefined;
}>;


export type RoomPlacesQuery = { room: { id: string, messages: { edges: Array<{ node: { id: string, position: string } }>, pageInfo: { hasPreviousPage: boolean, startCursor: string | null } } } | null };

export type CreateRoomMutationVariables = Exact<{
  input: CreateRoomInput;
}>;


export type CreateRoomMutation = { createRoom: { room: { kind: RoomKind, name: string | null, createdAt: string, memberCount: number, id: string, cursor: string, unreadCount: number, peer: { id: string, name: string, avatarUrl: string | null } | null, membership: { id: string, version: string, role: MemberRole, joinedAt: string, leftAt: string | null, user: { id: string, name: string, avatarUrl: string | null } } | null, lastMessage: { id: string, clientMessageId: string, position: string, version: string, content: string | null, hlc: string, sentAt: string, editedAt: string | null, deletedAt: string | null, sender: { id: string, name: string, avatarUrl: string | null }, replyTo: { id: string, content: string | null, deletedAt: string | null, sender: { id: string, name: string, avatarUrl: string | null } } | null } | null } | null, userErrors: Array<
      | { __typename: 'ConflictError', code: UserErrorCode, message: string, path: Array<string> | null }
      | { __typename: 'ForbiddenError', code: UserErrorCode, message: string, path: Array<string> | null }
      | { __typename: 'InputError', code: UserErrorCode, message: string, path: Array<string> | null }
      | { __typename: 'NotFoundError', code: UserErrorCode, message: string, path: Array<string> | null }
      | { __typename: 'RateLimitedError', retryAfterMs: number, code: UserErrorCode, message: string, path: Array<string> | null }
    > } };

export type OpenDirectRoomMutationVariables = Exact<{
  input: OpenDirectRoomInput;
}>;


export type OpenDirectRoomMutation = { openDirectRoom: { room: { kind: RoomKind, name: string | null, createdAt: string, memberCount: number, id: string, cursor: string, unreadCount: number, peer: { id: string, name: string, avatarUrl: string | null } | null, membership: { id: string, version: string, role: MemberRole, joinedAt: string, leftAt: string | null, user: { id: string, name: string, avatarUrl: string | null } } | null, lastMessage: { id: string, clientMessageId: string, position: string, version: string, content: string | null, hlc: string, sentAt: string, editedAt: string | null, deletedAt: string | null, sender: { id: string, name: string, avatarUrl: string | null }, replyTo: { id: string, content: string | null, deletedAt: string | null, sender: { id: string, name: string, avatarUrl: string | null } } | null } | null } | null, userErrors: Array<
      | { __typename: 'ConflictError', code: UserErrorCode, message: string, path: Array<string> | null }
      | { __typename: 'ForbiddenError', code: UserErrorCode, message: string, path: Array<string> | null }
      | { __typename: 'InputError', code: UserErrorCode, message: string, path: Array<string> | null }
      | { __typename: 'NotFoundError', code: UserErrorCode, message: string, path: Array<string> | null }
      | { __typename: 'RateLimitedError', retryAfterMs: number, code: UserErrorCode, message: string, path: Array<string> | null }
    > } };

export type UpdateRoomMutationVariables = Exact<{
  input: UpdateRoomInput;
}>;


export type UpdateRoomMutation = { updateRoom: { room: { kind: RoomKind, name: string | null, createdAt: string, memberCount: number, id: string, cursor: string, unreadCount: number, peer: { id: string, name: string, avatarUrl: string | null } | null, membership: { id: string, version: string, role: MemberRole, joinedAt: string, leftAt: string | null, user: { id: string, name: string, avatarUrl: string | null } } | null, lastMessage: { id: string, clientMessageId: string, position: string, version: string, content: string | null, hlc: string, sentAt: string, editedAt: string | null, deletedAt: string | null, sender: { id: string, name: string, avatarUrl: string | null }, replyTo: { id: string, content: string | null, deletedAt: string | null, sender: { id: string, name: string, avatarUrl: string | null } } | null } | null } | null, userErrors: Array<
      | { __typename: 'ConflictError', code: UserErrorCode, message: string, path: Array<string> | null }
      | { __typename: 'ForbiddenError', code: UserErrorCode, message: string, path: Array<string> | null }
      | { __typename: 'InputError', code: UserErrorCode, message: string, path: Array<string> | null }
      | { __typename: 'NotFoundError', code: UserErrorCode, message: string, path: Array<string> | null }
      | { __typename: 'RateLimitedError', retryAfterMs: number, code: UserErrorCode, message: string, path: Array<string> | null }
    > } };

export type AddMemberMutationVariables = Exact<{
  input: AddMemberInput;
}>;


export type AddMemberMutation = { addMember: { member: { id: string, version: string, role: MemberRole, joinedAt: string, leftAt: string | null, user: { id: string, name: string, avatarUrl: string | null } } | null, userErrors: Array<
      | { __typename: 'ConflictError', code: UserErrorCode, message: string, path: Array<string> | null }
      | { __typename: 'ForbiddenError', code: UserErrorCode, message: string, path: Array<string> | null }
      | { __typename: 'InputError', code: UserErrorCode, message: string, path: Array<string> | null }
      | { __typename: 'NotFoundError', code: UserErrorCode, message: string, path: Array<string> | null }
      | { __typename: 'RateLimitedError', retryAfterMs: number, code: UserErrorCode, message: string, path: Array<string> | null }
    > } };

export type RemoveMemberMutationVariables = Exact<{
  input: RemoveMemberInput;
}>;


export type RemoveMemberMutation = { removeMember: { room: { id: string } | null, userErrors: Array<
      | { __typename: 'ConflictError', code: UserErrorCode, message: string, path: Array<string> | null }
      | { __typename: 'ForbiddenError', code: UserErrorCode, message: string, path: Array<string> | null }
      | { __typename: 'InputError', code: UserErrorCode, message: string, path: Array<string> | null }
      | { __typename: 'NotFoundError', code: UserErrorCode, message: string, path: Array<string> | null }
      | { __typename: 'RateLimitedError', retryAfterMs: number, code: UserErrorCode, message: string, path: Array<string> | null }
    > } };

export type UpdateMemberMutationVariables = Exact<{
  input: UpdateMemberInput;
}>;


export type UpdateMemberMutation = { updateMember: { member: { id: string, version: string, role: MemberRole, joinedAt: string, leftAt: string | null, user: { id: string, name: string, avatarUrl: string | null } } | null, userErrors: Array<
      | { __typename: 'ConflictError', code: UserErrorCode, message: string, path: Array<string> | null }
      | { __typename: 'ForbiddenError', code: UserErrorCode, message: string, path: Array<string> | null }
      | { __typename: 'InputError', code: UserErrorCode, message: string, path: Array<string> | null }
      | { __typename: 'NotFoundError', code: UserErrorCode, message: string, path: Array<string> | null }
      | { __typename: 'RateLimitedError', retryAfterMs: number, code: UserErrorCode, message: string, path: Array<string> | null }
    > } };

export type ConnectionEndpointQueryVariables = Exact<{ [key: string]: never; }>;


export type ConnectionEndpointQuery = { connectionEndpoint: { nodeId: string, url: string, isAdvertised: boolean } };

export type TypingSubscriptionVariables = Exact<{
  roomId: string;
}>;


export type TypingSubscription = { typing: { users: Array<{ id: string, name: string, avatarUrl: string | null }> } };

export type SetTypingMutationVariables = Exact<{
  input: SetTypingInput;
}>;


export type SetTypingMutation = { setTyping: { userErrors: Array<
      | { __typename: 'ConflictError', code: UserErrorCode, message: string, path: Array<string> | null }
      | { __typename: 'ForbiddenError', code: UserErrorCode, message: string, path: Array<string> | null }
      | { __typename: 'InputError', code: UserErrorCode, message: string, path: Array<string> | null }
      | { __typename: 'NotFoundError', code: UserErrorCode, message: string, path: Array<string> | null }
      | { __typename: 'RateLimitedError', retryAfterMs: number, code: UserErrorCode, message: string, path: Array<string> | null }
    > } };

export class TypedDocumentString<TResult, TVariables>
  extends String
  implements DocumentTypeDecoration<TResult, TVariables>
{
  __apiType?: NonNullable<DocumentTypeDecoration<TResult, TVariables>['__apiType']>;
  private value: string;
  public __meta__?: Record<string, any> | undefined;

  constructor(value: string, __meta__?: Record<string, any> | undefined) {
    super(value);
    this.value = value;
    this.__meta__ = __meta__;
  }

  override toString(): string & DocumentTypeDecoration<TResult, TVariables> {
    return this.value;
  }
}
export const UserFieldsFragmentDoc = new TypedDocumentString(`
    fragment UserFields on User {
  id
  name
  avatarUrl
}
    `, {"fragmentName":"UserFields"}) as unknown as TypedDocumentString<UserFieldsFragment, unknown>;
export const MessageFieldsFragmentDoc = new TypedDocumentString(`
    fragment MessageFields on Message {
  id
  clientMessageId
  position
  version
  sender {
    ...UserFields
  }
  content
  hlc
  sentAt
  editedAt
  deletedAt
  replyTo {
    id
    content
    deletedAt
    sender {
      ...UserFields
    }
  }
}
    fragment UserFields on User {
  id
  name
  avatarUrl
}`, {"fragmentName":"MessageFields"}) as unknown as TypedDocumentString<MessageFieldsFragment, unknown>;
export const MemberFieldsFragmentDoc = new TypedDocumentString(`
    fragment MemberFields on Member {
  id
  version
  user {
    ...UserFields
  }
  role
  joinedAt
  leftAt
}
    fragment UserFields on User {
  id
  name
  avatarUrl
}`, {"fragmentName":"MemberFields"}) as unknown as TypedDocumentString<MemberFieldsFragment, unknown>;
export const EventFieldsFragmentDoc = new TypedDocumentString(`
    fragment EventFields on RoomEvent {
  cursor
  previousCursor
  room {
    id
    kind
    name
    memberCount
  }
  ... on MessageSent {
    message {
      ...MessageFields
    }
  }
  ... on MessageEdited {
    message {
      ...MessageFields
    }
  }
  ... on MessageDeleted {
    message {
      ...MessageFields
    }
  }
  ... on MessagesRead {
    ranges {
      reader {
        ...UserFields
      }
      from
      through
      readAt
    }
  }
  ... on MemberJoined {
    member {
      ...MemberFields
    }
  }
  ... on MemberUpdated {
    member {
      ...MemberFields
    }
  }
  ... on MemberLeft {
    user {
      ...UserFields
    }
  }
}
    fragment UserFields on User {
  id
  name
  avatarUrl
}
fragment MessageFields on Message {
  id
  clientMessageId
  position
  version
  sender {
    ...UserFields
  }
  content
  hlc
  sentAt
  editedAt
  deletedAt
  replyTo {
    id
    content
    deletedAt
    sender {
      ...UserFields
    }
  }
}
fragment MemberFields on Member {
  id
  version
  user {
    ...UserFields
  }
  role
  joinedAt
  leftAt
}`, {"fragmentName":"EventFields"}) as unknown as TypedDocumentString<EventFieldsFragment, unknown>;
export const PresenceFieldsFragmentDoc = new TypedDocumentString(`
    fragment PresenceFields on Presence {
  id
  status
  lastSeen
  devices
  currentRoom {
    id
  }
  customStatus
  doNotDisturbUntil
}
    `, {"fragmentName":"PresenceFields"}) as unknown as TypedDocumentString<PresenceFieldsFragment, unknown>;
export const RoomCountsFragmentDoc = new TypedDocumentString(`
    fragment RoomCounts on Room {
  id
  cursor
  unreadCount
}
    `, {"fragmentName":"RoomCounts"}) as unknown as TypedDocumentString<RoomCountsFragment, unknown>;
export const RoomFieldsFragmentDoc = new TypedDocumentString(`
    fragment RoomFields on Room {
  ...RoomCounts
  kind
  name
  peer {
    ...UserFields
  }
  createdAt
  memberCount
  membership {
    ...MemberFields
  }
  lastMessage {
    ...MessageFields
  }
}
    fragment UserFields on User {
  id
  name
  avatarUrl
}
fragment MessageFields on Message {
  id
  clientMessageId
  position
  version
  sender {
    ...UserFields
  }
  content
  hlc
  sentAt
  editedAt
  deletedAt
  replyTo {
    id
    content
    deletedAt
    sender {
      ...UserFields
    }
  }
}
fragment MemberFields on Member {
  id
  version
  user {
    ...UserFields
  }
  role
  joinedAt
  leftAt
}
fragment RoomCounts on Room {
  id
  cursor
  unreadCount
}`, {"fragmentName":"RoomFields"}) as unknown as TypedDocumentString<RoomFieldsFragment, unknown>;
export const ErrorFieldsFragmentDoc = new TypedDocumentString(`
    fragment ErrorFields on UserError {
  __typename
  code
  message
  path
  ... on RateLimitedError {
    retryAfterMs
  }
}
    `, {"fragmentName":"ErrorFields"}) as unknown as TypedDocumentString<ErrorFieldsFragment, unknown>;
export const RoomEventsDocument = new TypedDocumentString(`
    subscription RoomEvents($roomId: ID!, $after: Cursor, $kinds: [RoomEventKind!]) {
  roomEvents(roomId: $roomId, after: $after, kinds: $kinds) {
    __typename
    ...EventFields
    ... on CaughtUp {
      cursors
    }
  }
}
    fragment UserFields on User {
  id
  name
  avatarUrl
}
fragment MessageFields on Message {
  id
  clientMessageId
  position
  version
  sender {
    ...UserFields
  }
  content
  hlc
  sentAt
  editedAt
  deletedAt
  replyTo {
    id
    content
    deletedAt
    sender {
      ...UserFields
    }
  }
}
fragment MemberFields on Member {
  id
  version
  user {
    ...UserFields
  }
  role
  joinedAt
  leftAt
}
fragment EventFields on RoomEvent {
  cursor
  previousCursor
  room {
    id
    kind
    name
    memberCount
  }
  ... on MessageSent {
    message {
      ...MessageFields
    }
  }
  ... on MessageEdited {
    message {
      ...MessageFields
    }
  }
  ... on MessageDeleted {
    message {
      ...MessageFields
    }
  }
  ... on MessagesRead {
    ranges {
      reader {
        ...UserFields
      }
      from
      through
      readAt
    }
  }
  ... on MemberJoined {
    member {
      ...MemberFields
    }
  }
  ... on MemberUpdated {
    member {
      ...MemberFields
    }
  }
  ... on MemberLeft {
    user {
      ...UserFields
    }
  }
}`) as unknown as TypedDocumentString<RoomEventsSubscription, RoomEventsSubscriptionVariables>;
export const InboxDocument = new TypedDocumentString(`
    subscription Inbox($after: [Cursor!], $kinds: [RoomEventKind!]) {
  inbox(after: $after, kinds: $kinds) {
    __typename
    ...EventFields
    ... on CaughtUp {
      cursors
    }
  }
}
    fragment UserFields on User {
  id
  name
  avatarUrl
}
fragment MessageFields on Message {
  id
  clientMessageId
  position
  version
  sender {
    ...UserFields
  }
  content
  hlc
  sentAt
  editedAt
  deletedAt
  replyTo {
    id
    content
    deletedAt
    sender {
      ...UserFields
    }
  }
}
fragment MemberFields on Member {
  id
  version
  user {
    ...UserFields
  }
  role
  joinedAt
  leftAt
}
fragment EventFields on RoomEvent {
  cursor
  previousCursor
  room {
    id
    kind
    name
    memberCount
  }
  ... on MessageSent {
    message {
      ...MessageFields
    }
  }
  ... on MessageEdited {
    message {
      ...MessageFields
    }
  }
  ... on MessageDeleted {
    message {
      ...MessageFields
    }
  }
  ... on MessagesRead {
    ranges {
      reader {
        ...UserFields
      }
      from
      through
      readAt
    }
  }
  ... on MemberJoined {
    member {
      ...MemberFields
    }
  }
  ... on MemberUpdated {
    member {
      ...MemberFields
    }
  }
  ... on MemberLeft {
    user {
      ...UserFields
    }
  }
}`) as unknown as TypedDocumentString<InboxSubscription, InboxSubscriptionVariables>;
export const SyncDocument = new TypedDocumentString(`
    query Sync($after: [Cursor!]!, $first: Int) {
  sync(after: $after, first: $first) {
    events {
      __typename
      ...EventFields
    }
    cursors
    hasMore
  }
}
    fragment UserFields on User {
  id
  name
  avatarUrl
}
fragment MessageFields on Message {
  id
  clientMessageId
  position
  version
  sender {
    ...UserFields
  }
  content
  hlc
  sentAt
  editedAt
  deletedAt
  replyTo {
    id
    content
    deletedAt
    sender {
      ...UserFields
    }
  }
}
fragment MemberFields on Member {
  id
  version
  user {
    ...UserFields
  }
  role
  joinedAt
  leftAt
}
fragment EventFields on RoomEvent {
  cursor
  previousCursor
  room {
    id
    kind
    name
    memberCount
  }
  ... on MessageSent {
    message {
      ...MessageFields
    }
  }
  ... on MessageEdited {
    message {
      ...MessageFields
    }
  }
  ... on MessageDeleted {
    message {
      ...MessageFields
    }
  }
  ... on MessagesRead {
    ranges {
      reader {
        ...UserFields
      }
      from
      through
      readAt
    }
  }
  ... on MemberJoined {
    member {
      ...MemberFields
    }
  }
  ... on MemberUpdated {
    member {
      ...MemberFields
    }
  }
  ... on MemberLeft {
    user {
      ...UserFields
    }
  }
}`) as unknown as TypedDocumentString<SyncQuery, SyncQueryVariables>;
export const SendMessageDocument = new TypedDocumentString(`
    mutation SendMessage($input: SendMessageInput!) {
  sendMessage(input: $input) {
    message {
      ...MessageFields
    }
    userErrors {
      ...ErrorFields
    }
  }
}
    fragment UserFields on User {
  id
  name
  avatarUrl
}
fragment MessageFields on Message {
  id
  clientMessageId
  position
  version
  sender {
    ...UserFields
  }
  content
  hlc
  sentAt
  editedAt
  deletedAt
  replyTo {
    id
    content
    deletedAt
    sender {
      ...UserFields
    }
  }
}
fragment ErrorFields on UserError {
  __typename
  code
  message
  path
  ... on RateLimitedError {
    retryAfterMs
  }
}`) as unknown as TypedDocumentString<SendMessageMutation, SendMessageMutationVariables>;
export const EditMessageDocument = new TypedDocumentString(`
    mutation EditMessage($input: EditMessageInput!) {
  editMessage(input: $input) {
    message {
      ...MessageFields
    }
    userErrors {
      ...ErrorFields
    }
  }
}
    fragment UserFields on User {
  id
  name
  avatarUrl
}
fragment MessageFields on Message {
  id
  clientMessageId
  position
  version
  sender {
    ...UserFields
  }
  content
  hlc
  sentAt
  editedAt
  deletedAt
  replyTo {
    id
    content
    deletedAt
    sender {
      ...UserFields
    }
  }
}
fragment ErrorFields on UserError {
  __typename
  code
  message
  path
  ... on RateLimitedError {
    retryAfterMs
  }
}`) as unknown as TypedDocumentString<EditMessageMutation, EditMessageMutationVariables>;
export const DeleteMessageDocument = new TypedDocumentString(`
    mutation DeleteMessage($input: DeleteMessageInput!) {
  deleteMessage(input: $input) {
    message {
      ...MessageFields
    }
    userErrors {
      ...ErrorFields
    }
  }
}
    fragment UserFields on User {
  id
  name
  avatarUrl
}
fragment MessageFields on Message {
  id
  clientMessageId
  position
  version
  sender {
    ...UserFields
  }
  content
  hlc
  sentAt
  editedAt
  deletedAt
  replyTo {
    id
    content
    deletedAt
    sender {
      ...UserFields
    }
  }
}
fragment ErrorFields on UserError {
  __typename
  code
  message
  path
  ... on RateLimitedError {
    retryAfterMs
  }
}`) as unknown as TypedDocumentString<DeleteMessageMutation, DeleteMessageMutationVariables>;
export const MarkReadDocument = new TypedDocumentString(`
    mutation MarkRead($input: MarkReadInput!) {
  markRead(input: $input) {
    room {
      ...RoomCounts
    }
    userErrors {
      ...ErrorFields
    }
  }
}
    fragment RoomCounts on Room {
  id
  cursor
  unreadCount
}
fragment ErrorFields on UserError {
  __typename
  code
  message
  path
  ... on RateLimitedError {
    retryAfterMs
  }
}`) as unknown as TypedDocumentString<MarkReadMutation, MarkReadMutationVariables>;
export const RefreshTokenDocument = new TypedDocumentString(`
    mutation RefreshToken($input: RefreshTokenInput!) {
  refreshToken(input: $input) {
    expiresAt
    userErrors {
      ...ErrorFields
    }
  }
}
    fragment ErrorFields on UserError {
  __typename
  code
  message
  path
  ... on RateLimitedError {
    retryAfterMs
  }
}`) as unknown as TypedDocumentString<RefreshTokenMutation, RefreshTokenMutationVariables>;
export const PresenceDocument = new TypedDocumentString(`
    subscription Presence($userIds: [ID!]) {
  presence(userIds: $userIds) {
    ...PresenceFields
  }
}
    fragment PresenceFields on Presence {
  id
  status
  lastSeen
  devices
  currentRoom {
    id
  }
  customStatus
  doNotDisturbUntil
}`) as unknown as TypedDocumentString<PresenceSubscription, PresenceSubscriptionVariables>;
export const OnlineUsersDocument = new TypedDocumentString(`
    query OnlineUsers($since: DateTime, $first: Int, $after: String) {
  onlineUsers(since: $since, first: $first, after: $after) {
    edges {
      node {
        ...PresenceFields
        user {
          ...UserFields
        }
      }
    }
    pageInfo {
      hasNextPage
      endCursor
    }
  }
}
    fragment UserFields on User {
  id
  name
  avatarUrl
}
fragment PresenceFields on Presence {
  id
  status
  lastSeen
  devices
  currentRoom {
    id
  }
  customStatus
  doNotDisturbUntil
}`) as unknown as TypedDocumentString<OnlineUsersQuery, OnlineUsersQueryVariables>;
export const SetPresenceDocument = new TypedDocumentString(`
    mutation SetPresence($input: SetPresenceInput!) {
  setPresence(input: $input) {
    presence {
      ...PresenceFields
    }
    userErrors {
      ...ErrorFields
    }
  }
}
    fragment PresenceFields on Presence {
  id
  status
  lastSeen
  devices
  currentRoom {
    id
  }
  customStatus
  doNotDisturbUntil
}
fragment ErrorFields on UserError {
  __typename
  code
  message
  path
  ... on RateLimitedError {
    retryAfterMs
  }
}`) as unknown as TypedDocumentString<SetPresenceMutation, SetPresenceMutationVariables>;
export const ViewerDocument = new TypedDocumentString(`
    query Viewer {
  viewer {
    ...UserFields
  }
}
    fragment UserFields on User {
  id
  name
  avatarUrl
}`) as unknown as TypedDocumentString<ViewerQuery, ViewerQueryVariables>;
export const UsersDocument = new TypedDocumentString(`
    query Users($search: String!, $first: Int, $after: String) {
  users(search: $search, first: $first, after: $after) {
    edges {
      node {
        ...UserFields
      }
    }
    pageInfo {
      hasNextPage
      endCursor
    }
  }
}
    fragment UserFields on User {
  id
  name
  avatarUrl
}`) as unknown as TypedDocumentString<UsersQuery, UsersQueryVariables>;
export const RoomsDocument = new TypedDocumentString(`
    query Rooms($first: Int, $after: String) {
  rooms(first: $first, after: $after) {
    edges {
      node {
        ...RoomFields
      }
    }
    pageInfo {
      hasNextPage
      endCursor
    }
  }
}
    fragment UserFields on User {
  id
  name
  avatarUrl
}
fragment MessageFields on Message {
  id
  clientMessageId
  position
  version
  sender {
    ...UserFields
  }
  content
  hlc
  sentAt
  editedAt
  deletedAt
  replyTo {
    id
    content
    deletedAt
    sender {
      ...UserFields
    }
  }
}
fragment MemberFields on Member {
  id
  version
  user {
    ...UserFields
  }
  role
  joinedAt
  leftAt
}
fragment RoomCounts on Room {
  id
  cursor
  unreadCount
}
fragment RoomFields on Room {
  ...RoomCounts
  kind
  name
  peer {
    ...UserFields
  }
  createdAt
  memberCount
  membership {
    ...MemberFields
  }
  lastMessage {
    ...MessageFields
  }
}`) as unknown as TypedDocumentString<RoomsQuery, RoomsQueryVariables>;
export const RoomCursorsDocument = new TypedDocumentString(`
    query RoomCursors($first: Int, $after: String) {
  rooms(first: $first, after: $after) {
    edges {
      node {
        id
        cursor
      }
    }
  }
}
    `) as unknown as TypedDocumentString<RoomCursorsQuery, RoomCursorsQueryVariables>;
export const RoomCursorDocument = new TypedDocumentString(`
    query RoomCursor($id: ID!) {
  room(id: $id) {
    id
    cursor
  }
}
    `) as unknown as TypedDocumentString<RoomCursorQuery, RoomCursorQueryVariables>;
export const RoomDocument = new TypedDocumentString(`
    query Room($id: ID!) {
  room(id: $id) {
    ...RoomFields
  }
}
    fragment UserFields on User {
  id
  name
  avatarUrl
}
fragment MessageFields on Message {
  id
  clientMessageId
  position
  version
  sender {
    ...UserFields
  }
  content
  hlc
  sentAt
  editedAt
  deletedAt
  replyTo {
    id
    content
    deletedAt
    sender {
      ...UserFields
    }
  }
}
fragment MemberFields on Member {
  id
  version
  user {
    ...UserFields
  }
  role
  joinedAt
  leftAt
}
fragment RoomCounts on Room {
  id
  cursor
  unreadCount
}
fragment RoomFields on Room {
  ...RoomCounts
  kind
  name
  peer {
    ...UserFields
  }
  createdAt
  memberCount
  membership {
    ...MemberFields
  }
  lastMessage {
    ...MessageFields
  }
}`) as unknown as TypedDocumentString<RoomQuery, RoomQueryVariables>;
export const RoomMembersDocument = new TypedDocumentString(`
    query RoomMembers($id: ID!, $first: Int, $after: String) {
  room(id: $id) {
    id
    members(first: $first, after: $after) {
      edges {
        node {
          ...MemberFields
        }
      }
      pageInfo {
        hasNextPage
        endCursor
      }
    }
  }
}
    fragment UserFields on User {
  id
  name
  avatarUrl
}
fragment MemberFields on Member {
  id
  version
  user {
    ...UserFields
  }
  role
  joinedAt
  leftAt
}`) as unknown as TypedDocumentString<RoomMembersQuery, RoomMembersQueryVariables>;
export const RoomMessagesDocument = new TypedDocumentString(`
    query RoomMessages($id: ID!, $last: Int, $before: String, $readers: Int) {
  room(id: $id) {
    id
    cursor
    membership {
      id
      user {
        ...UserFields
      }
      readThrough {
        id
        position
      }
    }
    messages(last: $last, before: $before) {
      edges {
        node {
          ...MessageFields
          readAt
          readBy(first: $readers) {
            edges {
              node {
                id
                reader {
                  ...UserFields
                }
                readAt
              }
            }
          }
        }
      }
      pageInfo {
        hasPreviousPage
        startCursor
      }
    }
  }
}
    fragment UserFields on User {
  id
  name
  avatarUrl
}
fragment MessageFields on Message {
  id
  clientMessageId
  position
  version
  sender {
    ...UserFields
  }
  content
  hlc
  sentAt
  editedAt
  deletedAt
  replyTo {
    id
    content
    deletedAt
    sender {
      ...UserFields
    }
  }
}`) as unknown as TypedDocumentString<RoomMessagesQuery, RoomMessagesQueryVariables>;
export const RoomPlacesDocument = new TypedDocumentString(`
    query RoomPlaces($id: ID!, $before: String) {
  room(id: $id) {
    id
    messages(last: 100, before: $before) {
      edges {
        node {
          id
          position
        }
      }
      pageInfo {
        hasPreviousPage
        startCursor
      }
    }
  }
}
    `) as unknown as TypedDocumentString<RoomPlacesQuery, RoomPlacesQueryVariables>;
export const CreateRoomDocument = new TypedDocumentString(`
    mutation CreateRoom($input: CreateRoomInput!) {
  createRoom(input: $input) {
    room {
      ...RoomFields
    }
    userErrors {
      ...ErrorFields
    }
  }
}
    fragment UserFields on User {
  id
  name
  avatarUrl
}
fragment MessageFields on Message {
  id
  clientMessageId
  position
  version
  sender {
    ...UserFields
  }
  content
  hlc
  sentAt
  editedAt
  deletedAt
  replyTo {
    id
    content
    deletedAt
    sender {
      ...UserFields
    }
  }
}
fragment MemberFields on Member {
  id
  version
  user {
    ...UserFields
  }
  role
  joinedAt
  leftAt
}
fragment RoomCounts on Room {
  id
  cursor
  unreadCount
}
fragment RoomFields on Room {
  ...RoomCounts
  kind
  name
  peer {
    ...UserFields
  }
  createdAt
  memberCount
  membership {
    ...MemberFields
  }
  lastMessage {
    ...MessageFields
  }
}
fragment ErrorFields on UserError {
  __typename
  code
  message
  path
  ... on RateLimitedError {
    retryAfterMs
  }
}`) as unknown as TypedDocumentString<CreateRoomMutation, CreateRoomMutationVariables>;
export const OpenDirectRoomDocument = new TypedDocumentString(`
    mutation OpenDirectRoom($input: OpenDirectRoomInput!) {
  openDirectRoom(input: $input) {
    room {
      ...RoomFields
    }
    userErrors {
      ...ErrorFields
    }
  }
}
    fragment UserFields on User {
  id
  name
  avatarUrl
}
fragment MessageFields on Message {
  id
  clientMessageId
  position
  version
  sender {
    ...UserFields
  }
  content
  hlc
  sentAt
  editedAt
  deletedAt
  replyTo {
    id
    content
    deletedAt
    sender {
      ...UserFields
    }
  }
}
fragment MemberFields on Member {
  id
  version
  user {
    ...UserFields
  }
  role
  joinedAt
  leftAt
}
fragment RoomCounts on Room {
  id
  cursor
  unreadCount
}
fragment RoomFields on Room {
  ...RoomCounts
  kind
  name
  peer {
    ...UserFields
  }
  createdAt
  memberCount
  membership {
    ...MemberFields
  }
  lastMessage {
    ...MessageFields
  }
}
fragment ErrorFields on UserError {
  __typename
  code
  message
  path
  ... on RateLimitedError {
    retryAfterMs
  }
}`) as unknown as TypedDocumentString<OpenDirectRoomMutation, OpenDirectRoomMutationVariables>;
export const UpdateRoomDocument = new TypedDocumentString(`
    mutation UpdateRoom($input: UpdateRoomInput!) {
  updateRoom(input: $input) {
    room {
      ...RoomFields
    }
    userErrors {
      ...ErrorFields
    }
  }
}
    fragment UserFields on User {
  id
  name
  avatarUrl
}
fragment MessageFields on Message {
  id
  clientMessageId
  position
  version
  sender {
    ...UserFields
  }
  content
  hlc
  sentAt
  editedAt
  deletedAt
  replyTo {
    id
    content
    deletedAt
    sender {
      ...UserFields
    }
  }
}
fragment MemberFields on Member {
  id
  version
  user {
    ...UserFields
  }
  role
  joinedAt
  leftAt
}
fragment RoomCounts on Room {
  id
  cursor
  unreadCount
}
fragment RoomFields on Room {
  ...RoomCounts
  kind
  name
  peer {
    ...UserFields
  }
  createdAt
  memberCount
  membership {
    ...MemberFields
  }
  lastMessage {
    ...MessageFields
  }
}
fragment ErrorFields on UserError {
  __typename
  code
  message
  path
  ... on RateLimitedError {
    retryAfterMs
  }
}`) as unknown as TypedDocumentString<UpdateRoomMutation, UpdateRoomMutationVariables>;
export const AddMemberDocument = new TypedDocumentString(`
    mutation AddMember($input: AddMemberInput!) {
  addMember(input: $input) {
    member {
      ...MemberFields
    }
    userErrors {
      ...ErrorFields
    }
  }
}
    fragment UserFields on User {
  id
  name
  avatarUrl
}
fragment MemberFields on Member {
  id
  version
  user {
    ...UserFields
  }
  role
  joinedAt
  leftAt
}
fragment ErrorFields on UserError {
  __typename
  code
  message
  path
  ... on RateLimitedError {
    retryAfterMs
  }
}`) as unknown as TypedDocumentString<AddMemberMutation, AddMemberMutationVariables>;
export const RemoveMemberDocument = new TypedDocumentString(`
    mutation RemoveMember($input: RemoveMemberInput!) {
  removeMember(input: $input) {
    room {
      id
    }
    userErrors {
      ...ErrorFields
    }
  }
}
    fragment ErrorFields on UserError {
  __typename
  code
  message
  path
  ... on RateLimitedError {
    retryAfterMs
  }
}`) as unknown as TypedDocumentString<RemoveMemberMutation, RemoveMemberMutationVariables>;
export const UpdateMemberDocument = new TypedDocumentString(`
    mutation UpdateMember($input: UpdateMemberInput!) {
  updateMember(input: $input) {
    member {
      ...MemberFields
    }
    userErrors {
      ...ErrorFields
    }
  }
}
    fragment UserFields on User {
  id
  name
  avatarUrl
}
fragment MemberFields on Member {
  id
  version
  user {
    ...UserFields
  }
  role
  joinedAt
  leftAt
}
fragment ErrorFields on UserError {
  __typename
  code
  message
  path
  ... on RateLimitedError {
    retryAfterMs
  }
}`) as unknown as TypedDocumentString<UpdateMemberMutation, UpdateMemberMutationVariables>;
export const ConnectionEndpointDocument = new TypedDocumentString(`
    query ConnectionEndpoint {
  connectionEndpoint {
    nodeId
    url
    isAdvertised
  }
}
    `) as unknown as TypedDocumentString<ConnectionEndpointQuery, ConnectionEndpointQueryVariables>;
export const TypingDocument = new TypedDocumentString(`
    subscription Typing($roomId: ID!) {
  typing(roomId: $roomId) {
    users {
      ...UserFields
    }
  }
}
    fragment UserFields on User {
  id
  name
  avatarUrl
}`) as unknown as TypedDocumentString<TypingSubscription, TypingSubscriptionVariables>;
export const SetTypingDocument = new TypedDocumentString(`
    mutation SetTyping($input: SetTypingInput!) {
  setTyping(input: $input) {
    userErrors {
      ...ErrorFields
    }
  }
}
    fragment ErrorFields on UserError {
  __typename
  code
  message
  path
  ... on RateLimitedError {
    retryAfterMs
  }
}`) as unknown as TypedDocumentString<SetTypingMutation, SetTypingMutationVariables>;