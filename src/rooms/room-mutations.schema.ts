import { builder, viewerOf } from "../graphql/builder.ts";
import { outcome, payloadType } from "../graphql/user-errors.ts";
import type { MemberRow } from "../log/changes.ts";
import { Member, MemberRoleType, Room, type RoomRef } from "./rooms.schema.ts";

const CreateRoomInput = builder.inputType("CreateRoomInput", {
  fields: (t) => ({ name: t.string({ required: true }), memberIds: t.idList({ required: true, defaultValue: [] }) }),
});
const OpenDirectRoomInput = builder.inputType("OpenDirectRoomInput", {
  fields: (t) => ({ userId: t.id({ required: true }) }),
});
const UpdateRoomInput = builder.inputType("UpdateRoomInput", {
  fields: (t) => ({ roomId: t.id({ required: true }), name: t.string({ required: true }) }),
});
const AddMemberInput = builder.inputType("AddMemberInput", {
  fields: (t) => ({
    roomId: t.id({ required: true }),
    userId: t.id({ required: true }),
    role: t.field({ type: MemberRoleType, required: true, defaultValue: "MEMBER" }),
  }),
});
const RemoveMemberInput = builder.inputType("RemoveMemberInput", {
  fields: (t) => ({ roomId: t.id({ required: true }), userId: t.id({ required: true }) }),
});
const UpdateMemberInput = builder.inputType("UpdateMemberInput", {
  fields: (t) => ({
    roomId: t.id({ required: true }),
    userId: t.id({ required: true }),
    role: t.field({ type: MemberRoleType, required: true }),
  }),
});

const CreateRoomPayload = payloadType<RoomRef>("CreateRoomPayload", "room", Room);
const OpenDirectRoomPayload = payloadType<RoomRef>("OpenDirectRoomPayload", "room", Room);
const UpdateRoomPayload = payloadType<RoomRef>("UpdateRoomPayload", "room", Room);
const AddMemberPayload = payloadType<MemberRow>("AddMemberPayload", "member", Member);
const RemoveMemberPayload = payloadType<RoomRef>("RemoveMemberPayload", "room", Room);
const UpdateMemberPayload = payloadType<MemberRow>("UpdateMemberPayload", "member", Member);

builder.mutationFields((t) => ({
  createRoom: t.field({
    type: CreateRoomPayload,
    args: { input: t.arg({ type: CreateRoomInput, required: true }) },
    resolve: (_root, { input }, context) =>
      outcome(async () => {
        const { accounts, rooms } = context.rules;
        return { id: await accounts.inNameOf(viewerOf(context), (actorId) => rooms.create(actorId, input)) };
      }),
  }),
  openDirectRoom: t.field({
    type: OpenDirectRoomPayload,
    description: "The one direct room of the viewer and that user, made if there is none.",
    args: { input: t.arg({ type: OpenDirectRoomInput, required: true }) },
    resolve: (_root, { input }, context) =>
      outcome(async () => {
        const { accounts, rooms } = context.rules;
        return { id: await accounts.inNameOf(viewerOf(context), (actorId) => rooms.openDirect(actorId, input.userId)) };
      }),
  }),
  updateRoom: t.field({
    type: UpdateRoomPayload,
    args: { input: t.arg({ type: UpdateRoomInput, required: true }) },
    resolve: (_root, { input }, context) =>
      outcome(async () => ({ id: await context.rules.rooms.update(viewerOf(context).id, input) })),
  }),
  addMember: t.field({
    type: AddMemberPayload,
    args: { input: t.arg({ type: AddMemberInput, required: true }) },
    resolve: (_root, { input }, context) => outcome(() => context.rules.rooms.addMember(viewerOf(context).id, input)),
  }),
  removeMember: t.field({
    type: RemoveMemberPayload,
    description: "Also how to leave: remove oneself.",
    args: { input: t.arg({ type: RemoveMemberInput, required: true }) },
    resolve: (_root, { input }, context) =>
      outcome(async () => ({ id: await context.rules.rooms.removeMember(viewerOf(context).id, input) })),
  }),
  updateMember: t.field({
    type: UpdateMemberPayload,
    args: { input: t.arg({ type: UpdateMemberInput, required: true }) },
    resolve: (_root, { input }, context) =>
      outcome(() => context.rules.rooms.updateMember(viewerOf(context).id, input)),
  }),
}));
