/** Loaded into a process before anything else: its wall clock runs `CLOCK_AHEAD_MS` ahead; its timers do not. */
const aheadMs = Number(process.env["CLOCK_AHEAD_MS"]);
const RealDate = Date;
const now = () => RealDate.now() + aheadMs;

globalThis.Date = new Proxy(RealDate, {
  construct: (target, args, self: NewableFunction) =>
    Reflect.construct(target, args.length === 0 ? [now()] : args, self) as Date,
  apply: () => new RealDate(now()).toString(),
  get: (target, name) => (name === "now" ? now : (Reflect.get(target, name) as unknown)),
});
