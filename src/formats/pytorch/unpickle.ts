/**
 * Reads Python's pickles (PEP 3154; protocols 2 to 5, which is what PyTorch writes) into plain data. One loop over the
 * opcodes with an explicit stack, so that no nesting exhausts the engine's. No call that a pickle asks for is made.
 */

import { describe } from "../../base/describe.ts";
import { PickleBytes } from "./pickle-bytes.ts";
import { PickleMachine } from "./pickle-machine.ts";
import {
  EMPTY_TUPLE,
  kindOf,
  PickleDict,
  PickleGlobal,
  PickleList,
  PickleObject,
  PickleReference,
  PickleSet,
  PickleTuple,
  type PickleValue,
} from "./pickle-values.ts";

const STOP = 0x2e;

/** A pickle's value, and where its bytes end. */
export interface Unpickled {
  readonly value: PickleValue;
  readonly end: number;
}

/**
 * Reads the pickle that begins at `start`. `name` begins messages.
 *
 * @throws {FormatError} for what is no pickle of protocols 2 to 5; a `PickleEnd` where `bytes` end too early
 *
 * @example
 * const { value } = unpickle(bytes, "model.pt entry data.pkl");
 */
export function unpickle(bytes: Uint8Array, name: string, start = 0): Unpickled {
  const input = new PickleBytes(bytes, name, start);
  const machine = new PickleMachine(input, bytes.length - start);
  for (let opcode = input.u8(); opcode !== STOP; opcode = input.u8()) {
    const operation = OPERATIONS[opcode];
    if (operation === undefined) throw input.fault(`has ${nameOf(opcode)}, expected one of protocols 2 to 5`);
    operation(machine, input);
  }
  return { value: machine.pop(), end: input.at };
}

/** Sets keys and values, given in turn, in the dictionary on top of the stack. */
function setItems(machine: PickleMachine, items: readonly PickleValue[]): void {
  const target = machine.top();
  if (target instanceof PickleObject) target.entries ??= new PickleDict();
  const dict = target instanceof PickleObject ? target.entries : target;
  if (!(dict instanceof PickleDict)) throw machine.fault(`sets a key of ${kindOf(target)}, expected a dictionary`);
  if (items.length % 2 !== 0) throw machine.fault("sets a key without a value, expected both");
  for (let i = 0; i < items.length; i += 2) {
    if (typeof items[i] === "string" && dict.entries.has(items[i]!))
      throw machine.fault(`sets the key ${describe(items[i])} twice, expected once`);
    dict.set(items[i]!, items[i + 1]!);
  }
}

/** Appends to the list on top of the stack; objects made from lists keep what is theirs to themselves. */
function appendItems(machine: PickleMachine, items: readonly PickleValue[]): void {
  const target = machine.top();
  if (target instanceof PickleObject) return;
  if (!(target instanceof PickleList)) throw machine.fault(`appends to ${kindOf(target)}, expected a list`);
  for (const item of items) target.add(item);
}

function addItems(machine: PickleMachine, items: readonly PickleValue[]): void {
  const target = machine.top();
  if (target instanceof PickleObject) return;
  if (!(target instanceof PickleSet)) throw machine.fault(`adds to ${kindOf(target)}, expected a set`);
  for (const item of items) target.add(item);
}

/** Gives the object on top of the stack its attributes. Those of dictionaries (`_metadata`) are of no use here. */
function build(machine: PickleMachine): void {
  const state = machine.pop();
  const target = machine.top();
  if (target instanceof PickleObject) target.state = state;
  else if (!(target instanceof PickleDict || target instanceof PickleSet || target instanceof PickleList))
    throw machine.fault(`gives attributes to ${kindOf(target)}, expected an object`);
}

function dictionary(machine: PickleMachine): void {
  const items = machine.popMark();
  machine.pushContainer(new PickleDict());
  setItems(machine, items);
}

function popTuple(machine: PickleMachine, count: number): void {
  const items = Array.from({ length: count }, () => machine.pop()).reverse();
  machine.pushContainer(new PickleTuple(items));
}

function makeList(machine: PickleMachine, items: readonly PickleValue[]): void {
  machine.pushContainer(new PickleList());
  appendItems(machine, items);
}

function makeSet(machine: PickleMachine, items: readonly PickleValue[]): void {
  machine.pushContainer(new PickleSet());
  addItems(machine, items);
}

/** The class and its arguments are above the mark (OBJ, of protocol 1). */
function callMarked(machine: PickleMachine): void {
  const [cls, ...args] = machine.popMark();
  if (!(cls instanceof PickleGlobal)) throw machine.fault(`calls ${kindOf(cls)}, expected a class`);
  machine.call(cls, args);
}

function stackGlobal(machine: PickleMachine): void {
  const name = machine.pop();
  const module = machine.pop();
  if (typeof name !== "string" || typeof module !== "string")
    throw machine.fault(`names ${kindOf(module)} and ${kindOf(name)}, expected a module and a class`);
  machine.push(new PickleGlobal(`${module}.${name}`));
}

function reduce(machine: PickleMachine): void {
  const args = machine.popArguments();
  machine.call(machine.popCallable(), args);
}

function newWithKeywords(machine: PickleMachine): void {
  machine.pop();
  reduce(machine);
}

function protocol(machine: PickleMachine, version: number): void {
  if (version > 5) throw machine.fault(`is of protocol ${version}, expected 2 to 5`);
}

type Operation = (machine: PickleMachine, input: PickleBytes) => void;

/** By opcode. Absent: text opcodes of protocol 0, extension codes, buffers outside the pickle. */
const OPERATIONS: readonly (Operation | undefined)[] = Object.assign(new Array<Operation | undefined>(256), {
  128: (m, input) => protocol(m, input.u8()),
  // Frames only say how much to read ahead.
  149: (_, input) => void input.u64(),
  40: (m) => m.mark(),
  48: (m) => void m.pop(),
  49: (m) => void m.popMark(),
  50: (m) => m.push(m.top()),
  78: (m) => m.push(null),
  136: (m) => m.push(true),
  137: (m) => m.push(false),
  74: (m, input) => m.push(input.i32()),
  75: (m, input) => m.push(input.u8()),
  77: (m, input) => m.push(input.u16()),
  138: (m, input) => m.push(input.integer(input.u8())),
  139: (m, input) => m.push(input.integer(input.u32())),
  71: (m, input) => m.push(input.f64()),
  84: (m, input) => m.push(input.latin1(input.u32())),
  85: (m, input) => m.push(input.latin1(input.u8())),
  66: (m, input) => m.push(input.bytes(input.u32())),
  67: (m, input) => m.push(input.bytes(input.u8())),
  142: (m, input) => m.push(input.bytes(input.u64())),
  150: (m, input) => m.push(input.bytes(input.u64())),
  88: (m, input) => m.push(input.text(input.u32())),
  140: (m, input) => m.push(input.text(input.u8())),
  141: (m, input) => m.push(input.text(input.u64())),
  93: (m) => m.pushContainer(new PickleList()),
  97: (m) => appendItems(m, [m.pop()]),
  101: (m) => appendItems(m, m.popMark()),
  108: (m) => makeList(m, m.popMark()),
  41: (m) => m.push(EMPTY_TUPLE),
  116: (m) => m.pushContainer(new PickleTuple(m.popMark())),
  133: (m) => popTuple(m, 1),
  134: (m) => popTuple(m, 2),
  135: (m) => popTuple(m, 3),
  125: (m) => m.pushContainer(new PickleDict()),
  100: dictionary,
  115: (m) => setItems(m, [m.pop(), m.pop()].reverse()),
  117: (m) => setItems(m, m.popMark()),
  143: (m) => m.pushContainer(new PickleSet()),
  144: (m) => addItems(m, m.popMark()),
  145: (m) => makeSet(m, m.popMark()),
  104: (m, input) => m.get(input.u8()),
  106: (m, input) => m.get(input.u32()),
  113: (m, input) => m.put(input.u8()),
  114: (m, input) => m.put(input.u32()),
  148: (m) => m.memoize(),
  99: (m, input) => m.push(new PickleGlobal(`${input.line()}.${input.line()}`)),
  147: stackGlobal,
  82: reduce,
  98: build,
  111: callMarked,
  129: reduce,
  146: newWithKeywords,
  81: (m) => m.pushContainer(new PickleReference(m.pop())),
} satisfies Record<number, Operation>);

function nameOf(opcode: number): string {
  return `the opcode 0x${opcode.toString(16).padStart(2, "0")}`;
}
