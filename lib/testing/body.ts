/** The robot's body: two driven wheels, something to bump with, and a watchdog. */

import { parseDriveCommand } from "../wire/drive_command.ts";
import type { Pose, World } from "./world.ts";

/** The body is a circle of this radius, in metres. */
export const BODY_RADIUS = 0.19;
/** Without a command for this long, the wheels stop. */
export const WATCHDOG_MS = 500;

const MAX_SPEED = 1; // m/s
const MAX_TURN = 2; // rad/s
const WHEEL_BASE = 0.3; // m between the wheels
const SPEED_UP = 2.5; // m/s² at each wheel
const SLOW_DOWN = 5; // m/s²
const TURN = 2 * Math.PI;

/**
 * A differential-drive body in a {@linkcode World}. It knows no clock: {@linkcode Body.advance} is
 * told how much time went by, and steps through it a millisecond at a time, so that the same
 * commands at the same times always end at the same place, however the time was cut.
 */
export class Body {
  readonly #world: World;
  #x: number;
  #y: number;
  #heading: number;
  #left = 0; // m/s of each wheel
  #right = 0;
  #wantLeft = 0;
  #wantRight = 0;
  #silentMs = WATCHDOG_MS;
  #touching = false;

  /** A body that stands at the start of `world`. */
  constructor(world: World) {
    this.#world = world;
    ({ x: this.#x, y: this.#y, heading: this.#heading } = world.start);
  }

  /** Where it is now. */
  get pose(): Pose {
    return { x: this.#x, y: this.#y, heading: this.#heading };
  }

  /** Metres a second, negative when driving back; the wheels' wish, even against a wall. */
  get speed(): number {
    return (this.#left + this.#right) / 2;
  }

  /** Whether something was in the way in the last step. */
  get touching(): boolean {
    return this.#touching;
  }

  /** Whether it stands and will go on standing until the next command. */
  get resting(): boolean {
    return this.#silentMs >= WATCHDOG_MS && this.#left === 0 && this.#right === 0;
  }

  /** Takes a command, and says whether it was one; anything else changes nothing. */
  command(value: unknown): boolean {
    const command = parseDriveCommand(value);
    if (!command) return false;
    const speed = command.forward * MAX_SPEED;
    const twist = command.leftright * MAX_TURN * WHEEL_BASE / 2;
    this.#wantLeft = speed + twist;
    this.#wantRight = speed - twist;
    this.#silentMs = 0;
    return true;
  }

  /** Lets whole milliseconds go by. */
  advance(ms: number): void {
    for (let i = 0; i < ms; i++) {
      if (this.resting) return;
      this.#step();
    }
  }

  #step(): void {
    if (++this.#silentMs > WATCHDOG_MS) this.#wantLeft = this.#wantRight = 0;
    this.#left = approach(this.#left, this.#wantLeft);
    this.#right = approach(this.#right, this.#wantRight);
    const turn = (this.#right - this.#left) / WHEEL_BASE * 1e-3;
    this.#heading = (this.#heading + turn + TURN) % TURN;
    const way = this.speed * 1e-3;
    if (way !== 0) this.#move(Math.cos(this.#heading) * way, Math.sin(this.#heading) * way);
  }

  /** Straight on, or else along what is in the way: the steps are far smaller than anything here. */
  #move(dx: number, dy: number): void {
    this.#touching = !this.#go(dx, dy);
    if (!this.#touching || this.#go(dx, 0) || this.#go(0, dy)) return;
    // At something round neither axis is free, but one of the two slanted ways along it may be.
    if (!this.#go((dx - dy) / 2, (dx + dy) / 2)) this.#go((dx + dy) / 2, (dy - dx) / 2);
  }

  #go(dx: number, dy: number): boolean {
    if (dx === 0 && dy === 0) return false;
    if (!this.#world.isFree(this.#x + dx, this.#y + dy, BODY_RADIUS)) return false;
    this.#x += dx;
    this.#y += dy;
    return true;
  }
}

function approach(speed: number, wanted: number): number {
  const faster = speed === 0 || speed * wanted > 0 && Math.abs(wanted) > Math.abs(speed);
  const most = (faster ? SPEED_UP : SLOW_DOWN) * 1e-3;
  const change = wanted - speed;
  return Math.abs(change) <= most ? wanted : speed + Math.sign(change) * most;
}
