import type { Database } from "./database/pool.ts";
import type { RoomLog } from "./log/room-log.ts";
import { copyOf } from "./personal-data/copy.ts";
import { createErasure } from "./personal-data/erasure.ts";
import { createPersonalDataStore } from "./personal-data/personal-data.store.ts";
import type { Rooms } from "./rooms/rooms.ts";
import type { OperatorActions } from "./server/operator-door.ts";
import type { Revocations } from "./server/revocations.ts";

/** What operators can have done about a user. */
export function createOperatorActions(use: {
  database: Database;
  roomLog: RoomLog;
  rooms: Rooms;
  revocations: Revocations;
}): OperatorActions {
  const { revocations } = use;
  const store = createPersonalDataStore(use.database);
  const { erase } = createErasure({
    store,
    log: use.roomLog,
    rooms: use.rooms,
    revoke: (userId) => revocations.revoke(userId),
  });
  return {
    async *revoke(userId) {
      yield { userId, published: await revocations.revoke(userId) };
    },
    export: (userId) => copyOf(store, userId),
    erase,
  };
}
