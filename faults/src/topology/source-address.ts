/** Where the connections of a server come from. All of 127.0.0.0/8 is this machine on Linux. */
export function serverAddress(index: number): string {
  return `127.0.1.${index + 1}`;
}

/** Gives each process of a role an address of its own, if that is asked for. */
export class SourceAddresses {
  readonly #separable: boolean;
  readonly #addresses = new Map<string, string>();

  constructor(separable: boolean) {
    this.#separable = separable;
  }

  addressOf(processName: string): string | undefined {
    if (!this.#separable) return undefined;
    const address = this.#addresses.get(processName) ?? `127.0.2.${this.#addresses.size + 1}`;
    this.#addresses.set(processName, address);
    return address;
  }

  envFor(processName: string): Readonly<Record<string, string>> {
    const address = this.addressOf(processName);
    return address === undefined ? {} : bindingTo(address);
  }
}

/** Variables that let all TCP connections of a Node process come from an address of this machine. */
function bindingTo(address: string): Readonly<Record<string, string>> {
  const program = encodeURIComponent(PROGRAM.replace("ADDRESS", JSON.stringify(address)));
  return { NODE_OPTIONS: `--import=data:text/javascript,${program}` };
}

/** `net.connect` hands its arguments on as a list in a list. */
const PROGRAM = `
import net from "node:net";
const { connect } = net.Socket.prototype;
net.Socket.prototype.connect = function (...args) {
  const options = Array.isArray(args[0]) ? args[0][0] : args[0];
  if (typeof options === "object" && options.path === undefined) options.localAddress ??= ADDRESS;
  return connect.apply(this, args);
};`;
