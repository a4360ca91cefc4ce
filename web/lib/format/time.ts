// Times and durations as people read them.

/** "<1 ms", "0.9 ms", "212 ms", "23.7 s", "1m 08s", "2h 05m", "3d 4h". */
export function formatDuration(ms: number): string {
  if (ms < 0.05) return "<1 ms"; // most are whole milliseconds, and none took no time
  if (ms < 1) return `${ms.toFixed(1)} ms`;
  if (ms < 999.5) return `${ms < 10 && !Number.isInteger(ms) ? ms.toFixed(1) : Math.round(ms)} ms`;
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m ${pad(seconds % 60)}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 24 * 60) return `${Math.floor(minutes / 60)}h ${pad(minutes % 60)}m`;
  const hours = Math.floor(minutes / 60);
  return `${Math.floor(hours / 24)}d ${hours % 24}h`;
}

/** Microseconds in the unit that the budget is told in: milliseconds, with one decimal below ten. */
export function formatMs(us: number): string {
  const ms = us / 1000;
  return ms < 10 ? ms.toFixed(1) : Math.round(ms).toString();
}

/** A whole number of seconds that a person set: "30 s", "5 m", "2 h". */
export function formatWindow(seconds: number): string {
  if (seconds % 3600 === 0) return `${seconds / 3600} h`;
  if (seconds % 60 === 0) return `${seconds / 60} m`;
  return `${seconds} s`;
}

const pad = (value: number, length = 2): string => String(value).padStart(length, "0");

export type Zone = "utc" | "local";
export type Precision = "minute" | "second" | "tenth" | "millisecond";

/** "14:32:09", in the zone, 24 hours. */
export function formatClock(time: Date | string | number, zone: Zone, precision: Precision = "second"): string {
  const date = new Date(time);
  const [hours, minutes, seconds] =
    zone === "utc"
      ? [date.getUTCHours(), date.getUTCMinutes(), date.getUTCSeconds()]
      : [date.getHours(), date.getMinutes(), date.getSeconds()];
  const ms = date.getUTCMilliseconds();
  const base = `${pad(hours)}:${pad(minutes)}`;
  if (precision === "minute") return base;
  if (precision === "second") return `${base}:${pad(seconds)}`;
  return `${base}:${pad(seconds)}.${precision === "tenth" ? Math.floor(ms / 100) : pad(ms, 3)}`;
}

/** "2026-11-22 14:32:09.104 UTC". */
export function formatFullTime(time: Date | string | number, zone: Zone): string {
  const date = new Date(time);
  const day =
    zone === "utc"
      ? `${date.getUTCFullYear()}-${pad(date.getUTCMonth() + 1)}-${pad(date.getUTCDate())}`
      : `${date.getFullYear()}-${pad(date.getMonth() + 1)}-${pad(date.getDate())}`;
  return `${day} ${formatClock(date, zone, "millisecond")} ${zoneName(zone)}`;
}
export const zoneName = (zone: Zone): string => (zone === "utc" ? "UTC" : "local");

/** The time of day, with the day before it where that is not today. */
export function formatWhen(
  time: Date | string | number,
  zone: Zone,
  now: number,
  precision: Precision = "second",
): string {
  const date = new Date(time);
  const sameDay =
    zone === "utc"
      ? date.toISOString().slice(0, 10) === new Date(now).toISOString().slice(0, 10)
      : date.toDateString() === new Date(now).toDateString();
  const clock = formatClock(date, zone, precision);
  return sameDay ? clock : `${formatFullTime(date, zone).slice(5, 10)} ${clock}`;
}
