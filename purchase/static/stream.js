// The steps of purchases as they happen, through the browser's own EventSource.

import { call, sessionChanges } from "/static/api.js";

const TYPES = ["step", "completed", "failed", "timed_out", "settled"];
const LONGEST_PAUSE = 8000;
const streams = new Map(); // purchase id -> Stream

export const isLast = (entry) => entry?.type === "completed" || entry?.type === "settled";

/** Follow exactly these purchases: `heard(id, entry)` for every step once and in order, however often a
 *  connection breaks; `connected(id, yes)` tells when one does. */
export function follow(ids, heard, connected) {
  for (const [id, stream] of streams) if (!ids.includes(id)) stream.close();
  for (const id of ids) if (!streams.has(id)) streams.set(id, new Stream(id, heard, connected));
}

/** EventSource cannot send a header: the token goes into a cookie that only streams read. */
const openSession = () => call("POST", "/purchases/stream-session", undefined, { patient: true });

sessionChanges.addEventListener("session", () => {
  if (streams.size) openSession().catch(() => {});
});

class Stream {
  seen = 0;
  pause = 500;

  constructor(id, heard, connected) {
    Object.assign(this, { id, heard, connected });
    this.open();
  }

  async open() {
    try {
      await openSession();
      if (streams.get(this.id) === this) this.listen();
    } catch {
      this.openLater();
    }
  }

  /** After a short break the browser comes back with Last-Event-ID; told "not now", it gives up and we begin
   *  anew, from the first step on: what was seen already is dropped by its number. */
  listen() {
    const source = new EventSource(`/api/v1/purchases/${this.id}/events`);
    this.source = source;
    source.onopen = () => {
      this.pause = 500;
      this.connected(this.id, true);
    };
    source.onerror = () => {
      this.connected(this.id, false);
      if (source.readyState === EventSource.CLOSED) this.openLater();
    };
    const hear = ({ type, data }) => this.hear({ type, ...JSON.parse(data) });
    for (const type of TYPES) source.addEventListener(type, hear);
  }

  hear(entry) {
    if (entry.seq <= this.seen) return;
    this.seen = entry.seq;
    if (isLast(entry)) this.close();
    this.heard(this.id, entry);
  }

  openLater() {
    this.source?.close();
    if (streams.get(this.id) !== this) return;
    this.timer = setTimeout(() => this.open(), this.pause);
    this.pause = Math.min(this.pause * 2, LONGEST_PAUSE);
  }

  close() {
    this.source?.close();
    clearTimeout(this.timer);
    streams.delete(this.id);
  }
}
