import { expect, test } from "vitest";
import { startTestApp } from "../support/app.ts";
import { TestUser } from "../support/user.ts";

test("all of a user's subscriptions together follow as many rooms as one inbox on each socket would", async () => {
  await using app = await startTestApp({ env: { MAX_SOCKETS_PER_USER: "2", MAX_ROOMS_PER_USER: "3" } });
  await using alice = await TestUser.open(app, "alice");
  await using bob = await TestUser.open(app, "bob");
  const tea = await alice.createRoom("Tea", ["bob"]);
  await alice.createRoom("Cake");
  const first = alice.inbox();
  expect(await first.next()).toMatchObject({ __typename: "CaughtUp" });
  const second = alice.inbox();
  await second.next();
  const third = alice.roomEvents(tea);
  await third.next();

  const refused = alice.inbox();
  await refused.end();
  expect(refused.errors).toMatchObject([{ extensions: { code: "RATE_LIMITED" } }]);
  // Bob's are his own.
  await bob.inbox().next();

  // 4 of the inboxes, 1 of the room: a room more makes 6 in the one, 7 in the other.
  await alice.createRoom("Bread");
  await expect.poll(() => [first, second].filter(({ ended }) => ended).length).toBe(1);
  const [over] = [first, second].filter(({ ended }) => ended);
  expect(over!.errors).toMatchObject([{ extensions: { code: "RATE_LIMITED" } }]);
  expect(third.ended).toBe(false);

  third.stop();
  await expect
    .poll(async () => {
      const again = alice.inbox();
      return again.next().then(({ __typename }) => __typename, String);
    })
    .toBe("CaughtUp");
});
