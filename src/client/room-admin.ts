import {
  AddMemberDocument,
  CreateRoomDocument,
  OpenDirectRoomDocument,
  RemoveMemberDocument,
  UpdateMemberDocument,
  UpdateRoomDocument,
  UsersDocument,
  type AddMemberInput,
  type CreateRoomInput,
  type RemoveMemberInput,
  type UpdateMemberInput,
  type UpdateRoomInput,
} from "./generated/operations.ts";
import { outcomeOf, type Outcome } from "./outcome.ts";
import type { Requests } from "./requests.ts";
import type { Member, User } from "./room-event.ts";
import type { RoomSummary } from "./room-summary.ts";

/** Making rooms and saying who is in them. Each throws an OperationError, or an Error where there is no answer in time. */
export interface RoomAdmin {
  /** Not repeated by itself when the connection is lost before the answer: then it throws a ConnectionLostError, and the room may be there. */
  createRoom(input: CreateRoomInput): Promise<Outcome<RoomSummary>>;
  /** The one direct room with that user, made if there is none. */
  openDirectRoom(userId: string): Promise<Outcome<RoomSummary>>;
  updateRoom(input: UpdateRoomInput): Promise<Outcome<RoomSummary>>;
  addMember(input: AddMemberInput): Promise<Outcome<Member>>;
  /** Also how to leave: remove oneself. */
  removeMember(input: RemoveMemberInput): Promise<Outcome<{ id: string }>>;
  updateMember(input: UpdateMemberInput): Promise<Outcome<Member>>;
  /** By the beginning of a name or the exact id, the first 20. */
  findUsers(search: string, signal?: AbortSignal): Promise<User[]>;
}

/** `onRoom`: a room as it is now. */
export function createRoomAdmin({ ask }: Requests, onRoom: (room: RoomSummary) => void): RoomAdmin {
  function shown(outcome: Outcome<RoomSummary>): Outcome<RoomSummary> {
    if (outcome.ok) onRoom(outcome.value);
    return outcome;
  }
  return {
    async createRoom(input) {
      const { createRoom } = await ask(CreateRoomDocument, { input }, { isRepeatable: false });
      return shown(outcomeOf(createRoom.room, createRoom.userErrors));
    },
    async openDirectRoom(userId) {
      const { openDirectRoom } = await ask(OpenDirectRoomDocument, { input: { userId } }, { isRepeatable: true });
      return shown(outcomeOf(openDirectRoom.room, openDirectRoom.userErrors));
    },
    async updateRoom(input) {
      const { updateRoom } = await ask(UpdateRoomDocument, { input }, { isRepeatable: true });
      return shown(outcomeOf(updateRoom.room, updateRoom.userErrors));
    },
    async addMember(input) {
      const { addMember } = await ask(AddMemberDocument, { input }, { isRepeatable: true });
      return outcomeOf(addMember.member, addMember.userErrors);
    },
    async removeMember(input) {
      const { removeMember } = await ask(RemoveMemberDocument, { input }, { isRepeatable: true });
      return outcomeOf(removeMember.room, removeMember.userErrors);
    },
    async updateMember(input) {
      const { updateMember } = await ask(UpdateMemberDocument, { input }, { isRepeatable: true });
      return outcomeOf(updateMember.member, updateMember.userErrors);
    },
    async findUsers(search, signal) {
      const { users } = await ask(UsersDocument, { search, first: 20 }, { signal });
      return users.edges.map(({ node }) => node);
    },
  };
}
