import { Refusal, type RefusalCode } from "../errors.ts";

/** A request that is refused as such, before anything in it is executed. */
export class HttpRefusal extends Refusal {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, message: string, more: { code?: RefusalCode; headers?: Record<string, string> } = {}) {
    super(more.code ?? "INVALID", message);
    this.status = status;
    this.headers = more.headers ?? {};
  }
}
