/** Whether anybody can have this id; what cannot be one never reaches a statement. */
export function isUserId(id: string): boolean {
  return id.length > 0 && id.length <= 255 && id.isWellFormed() && !id.includes("\0");
}
