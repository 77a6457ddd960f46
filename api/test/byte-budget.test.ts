import { describe, expect, test } from "vitest";
import { createBodyIntake } from "../src/http/body-intake.js";
import { createByteBudget } from "../src/http/byte-budget.js";

const MIB = 1024 * 1024;

describe("a budget of bytes", () => {
  test("is full when all is held, and has room again for what was released", () => {
    const budget = createByteBudget(16 * MIB);
    const a = budget.open();
    const b = budget.open();
    expect(a.take(10 * MIB)).toBe(true);
    expect(b.take(4 * MIB + 1)).toBe(false);
    expect(b.take(4 * MIB)).toBe(true);
    expect([budget.heldBytes(), a.heldBytes(), b.heldBytes()]).toEqual([14 * MIB, 10 * MIB, 4 * MIB]);
    a.release();
    a.release();
    expect(budget.heldBytes()).toBe(4 * MIB);
    expect(budget.open().take(10 * MIB)).toBe(true);
  });

  test("a take that is refused takes nothing", () => {
    const budget = createByteBudget(8 * MIB);
    const hold = budget.open();
    hold.take(5 * MIB);
    expect(hold.take(5 * MIB)).toBe(false);
    expect([budget.heldBytes(), hold.heldBytes()]).toEqual([5 * MIB, 5 * MIB]);
  });

  test("keeps its last eighth for small holds, and a large one cannot get it piece by piece", () => {
    const budget = createByteBudget(16 * MIB);
    const large = budget.open();
    expect(large.take(14 * MIB)).toBe(true);
    expect(large.take(1)).toBe(false);
    const small = budget.open();
    expect(small.take(MIB)).toBe(true);
    expect(small.take(1)).toBe(false);
    expect(budget.open().take(MIB)).toBe(true);
    expect(budget.heldBytes()).toBe(16 * MIB);
    expect(budget.open().take(1)).toBe(false);
  });
});

describe("the intake of bodies", () => {
  test("counts a body once, by what was announced or by what has come", () => {
    const intake = createBodyIntake(16 * MIB);
    const share = intake.open();
    share.require(100);
    share.require(40);
    share.require(100);
    expect(intake.heldBytes()).toBe(100);
    share.require(101);
    expect(intake.heldBytes()).toBe(101);
    expect(() => share.require(15 * MIB)).toThrow(expect.objectContaining({ code: "overloaded" }));
    share.release();
    expect(intake.heldBytes()).toBe(0);
  });

  test("refuses at its stop who is still sending, and nobody else", () => {
    const intake = createBodyIntake(16 * MIB);
    const refused: string[] = [];
    const [sending, came, gone] = [intake.open(), intake.open(), intake.open()];
    for (const [name, share] of Object.entries({ sending, came, gone })) {
      share.onStop((error) => refused.push(`${name} ${error.code}`));
    }
    came.onStop(undefined);
    gone.release();
    intake.stop();
    expect(refused).toEqual(["sending shutting-down"]);
  });
});
