import { custodyMutations } from "./custody-mutations.js";
import type { Mutation } from "./mutation.js";
import { smallMutations } from "./small-mutations.js";

/** Every rule that is broken on purpose. */
export const mutations: readonly Mutation[] = [...custodyMutations, ...smallMutations];
