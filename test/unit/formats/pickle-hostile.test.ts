import { suite } from "uvu";
import * as assert from "uvu/assert";
import { FormatError } from "../../../src/base/errors.ts";
import { kindOf, PickleDict } from "../../../src/formats/pytorch/pickle-values.ts";
import { unpickle } from "../../../src/formats/pytorch/unpickle.ts";
import * as p from "../../reference/pickle-builder.ts";
import { counting, utf8 } from "../../reference/safetensors-builder.ts";
import { u32, u64 } from "../../reference/zip-builder.ts";

const test = suite("pickles, hostile");

const cat = p.concatOps;

test("integers have signs and any size; floats, bytes and text of every length", () => {
  const read = (value: p.Opcodes) => unpickle(p.pickle(value), "x").value;
  for (const value of [0, 255, 256, 65535, 65536, -1, -(2 ** 31), 2 ** 31, 2 ** 53 - 1, 1 - 2 ** 53])
    assert.is(read(p.int(value)), value);
  for (const value of [-1n, -128n, 128n, -129n]) assert.is(read(p.long(value)), Number(value));
  assert.is(read(p.long(0x1950a86a20f9469cfc6cn)), 0x1950a86a20f9469cfc6cn);
  assert.is(read(p.long(-(2n ** 64n))), -(2n ** 64n));
  assert.is(read(p.ops(0x8a, 0)), 0);
  assert.is(read(p.float(-0.25)), -0.25);
  assert.is(read(p.text("é층\ufeff")), "é층\ufeff");
  assert.is(read(cat(p.ops(0x58), u32(100), utf8("x".repeat(100)))), "x".repeat(100));
  assert.is(read(cat(p.ops(0x58), u32(1), p.ops(0xff))), "\ufffd");
  assert.equal(read(cat(p.ops(0x8e), u64(2), counting(2))), counting(2));
});

test("a dictionary named __proto__, one that holds itself, keys of every kind", () => {
  const read = (value: p.Opcodes) => unpickle(p.pickle(value), "x").value;
  const dict = read(p.dict([["__proto__", p.int(1)]]));
  assert.ok(dict instanceof PickleDict);
  assert.is(dict.get("__proto__"), 1);
  const self = read(cat(p.ops(0x7d), p.binput(0), p.text("me"), p.binget(0), p.ops(0x73)));
  assert.ok(self instanceof PickleDict && self.get("me") === self);
  assert.is(
    kindOf(
      read(
        p.dict([
          [p.tuple(), p.NONE],
          [p.int(0), p.NONE],
        ]),
      ),
    ),
    "a dictionary",
  );
});

/** Wrong pickles: what is wrong, the opcodes after the protocol, the message. */
const BROKEN: readonly (readonly [string, p.Opcodes, RegExp])[] = [
  ["an unknown opcode", p.ops(0xff), /has the opcode 0xff, expected one of protocols 2 to 5$/],
  ["text of protocol 0", utf8("S'x'\n."), /has the opcode 0x53/],
  ["a text persistent id", utf8("P1\n."), /has the opcode 0x50/],
  ["an extension code", p.ops(0x82, 1), /has the opcode 0x82/],
  ["a buffer outside", p.ops(0x97), /has the opcode 0x97/],
  ["STOP of nothing", p.STOP, /takes a value from an empty stack/],
  ["POP below a mark", p.ops(0x4e, 0x28, 0x30), /takes a value from an empty stack/],
  ["a mark that was not set", p.ops(0x74), /closes a mark that was not set/],
  ["a dangling GET", p.binget(7), /refers to value 7, which it has not made$/],
  ["REDUCE without a tuple", cat(p.global("a", "b"), p.NONE, p.ops(0x52)), /calls with None, expected a tuple$/],
  ["REDUCE of text", cat(p.text("os.system"), p.tuple(), p.ops(0x52)), /calls text, expected a class or a function$/],
  [
    "SETITEM on a list",
    cat(p.list(), p.text("a"), p.NONE, p.ops(0x73)),
    /sets a key of a list, expected a dictionary$/,
  ],
  [
    "SETITEM on a tensor's storage",
    cat(p.persistent(p.NONE), p.text("a"), p.NONE, p.ops(0x73)),
    /sets a key of a persistent id/,
  ],
  ["SETITEMS of three", cat(p.ops(0x7d), p.MARK, p.NONE, p.NONE, p.NONE, p.ops(0x75)), /sets a key without a value/],
  [
    "a key twice",
    p.dict([
      ["a", p.NONE],
      ["a", p.NONE],
    ]),
    /sets the key "a" twice, expected once$/,
  ],
  ["APPEND to a dictionary", cat(p.dict([]), p.NONE, p.ops(0x61)), /appends to a dictionary, expected a list$/],
  ["ADDITEMS to a list", cat(p.list(), p.MARK, p.ops(0x90)), /adds to a list, expected a set$/],
  ["BUILD of a number", cat(p.int(1), p.NONE, p.ops(0x62)), /gives attributes to a number, expected an object$/],
  [
    "STACK_GLOBAL of numbers",
    cat(p.int(1), p.int(2), p.ops(0x93)),
    /names a number and a number, expected a module and a class$/,
  ],
  ["protocol 6", p.ops(0x80, 6), /is of protocol 6, expected 2 to 5$/],
  ["text of 4 GB", cat(p.ops(0x58), u32(0xffffffff)), /ends at byte \d+, expected 4294967295 more/],
  [
    "bytes of 2^64",
    cat(p.ops(0x8e), p.ops(255, 255, 255, 255, 255, 255, 255, 255)),
    /ends at byte \d+, expected Infinity more/,
  ],
  [
    "an integer of 2 GB",
    cat(p.ops(0x8b), u32(0x7fffffff)),
    /has an integer of 2147483647 bytes, expected at most 256$/,
  ],
  ["a name without an end", cat(p.ops(0x63), new Uint8Array(5000).fill(97)), /has a name of more than 4096 bytes/],
  ["10,001 marks", new Uint8Array(10_001).fill(0x28), /is nested 10000 deep, expected less$/],
];
for (const [what, opcodes, message] of BROKEN) {
  test(`refused: ${what}`, () => {
    assert.throws(
      () => unpickle(p.pickle(opcodes), "x"),
      (error: unknown) =>
        error instanceof FormatError && /^x pickle /.test(error.message) && message.test(error.message),
    );
  });
}

test("a million nested lists, appended by references back, are read without recursion", () => {
  const depth = 1_000_000;
  const bytes = new Uint8Array(2 * depth + 3).fill(0x5d, 2, depth + 2).fill(0x61, depth + 2);
  bytes.set([0x80, 2]);
  bytes[2 * depth + 1] = 0x2e;
  assert.is(kindOf(unpickle(bytes, "x").value), "a list");
});

test.run();
