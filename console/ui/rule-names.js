// What a rule looks for, with the names of its cameras and groups.

import { nameOf } from "../stores/cameras.js";
import { groupName } from "../stores/groups.js";
import { ruleInWords } from "../texts/pt-BR/rules.js";

/** Returns one sentence. `condition`: as the API has it. */
export const ruleText = (condition) => ruleInWords(condition, { cameraName: nameOf, groupName });
