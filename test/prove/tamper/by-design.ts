/**
 * What verification cannot find, each with the reason. The harness tries every one of them, and what it did not find must be
 * exactly this list: nothing more, and nothing that is found by now.
 */
export const BY_DESIGN: Readonly<Record<string, string>> = {
  "an event taken out before it had its place": "nothing was sealed yet: less than a second",
  "an event changed before it had its place": "nothing was sealed yet: less than a second",
  "an event put in, to be sealed next": "whoever may write to the database may say that something happened",
  "an event with its place and no signature, taken out with its leaf":
    "no checkpoint covers it yet: about a second",
  "an event with its place and no signature, rewritten with its leaf":
    "no checkpoint covers it yet: about a second",
  "all rewritten and signed with the keys, nothing held outside": "inside the database everything fits",
  "the whole database rolled back, nothing held outside": "inside the database everything fits",
  "the whole database rolled back to what is held outside": "what is held outside is as old",
  "a checkpoint signed anew with the key, with another time": "it states the same size and root",
  "a checkpoint twice": "it states the same",
  "checkpoints in another order": "each states the same",
  "an older checkpoint of the hub taken out": "the newest covers what it covered",
  "the hub's last checkpoints taken out, nothing held outside":
    "the controllers' checkpoints are still signed, and the hub's next one covers them",
  "when a log was signed last": "bookkeeping: decides only when it is signed again",
  "how much of a log is signed": "bookkeeping: decides only when it is signed again",
  "which cluster the sequencer knows": "bookkeeping: it starts counting anew",
  "the sequencer's epoch": "bookkeeping: a count for people",
  "the sequencer's watermark set back": "bookkeeping: it would seal events twice, which is found then",
  "the sequencer's watermark moved past no event": "bookkeeping: past an event, it is found",
  "the sequencer's row taken out": "bookkeeping: it starts counting anew, above what has its place",
  "the sequencer's row under another id": "bookkeeping: there is one row",
  "the sequencer's state rolled back alone": "bookkeeping: it would seal events twice, which is found then",
  "file: forged whole with a key of one's own, no key from elsewhere":
    "the file's own keys are believed, and the answer says so",
  "file: its own keys, which are not asked": "the keys came from elsewhere",
  "file: an older checkpoint taken out": "the newest covers what it covered",
  "file: a checkpoint twice": "it states the same",
  "file: the witness taken out": "the answer says that no witness was there",
  "file: cut off after the checkpoint that is held outside": "what is held outside is as old",
  "file: cut off at any place, no checkpoint from elsewhere": "a shorter log was once true",
  "file: an entry put in after the newest checkpoint":
    "no signature covers it, and the answer says how many are covered",
  "file: the same, written otherwise": "JSON has many ways to write the same",
};

/** What the tables themselves refuse to say, whoever asks: tried too, and everything else must be a change. */
export const REFUSED: readonly string[] = ["audit_log.controller_id to the other controller's"];
