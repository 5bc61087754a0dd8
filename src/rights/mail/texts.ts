import type { DenialReason, ExtensionReason, RightsKind } from "#schemas";
import { outcomeInWords, type PlatformOutcome, REQUESTED, spelled } from "../in-words.ts";
import { type When, writtenDay, writtenOut } from "../written-date.ts";
import { type Letter, letter, type Paragraph } from "./letter.ts";

/** What every mail about a request may know: nothing of the person. */
export interface RequestFacts {
  /** The controller's name. */
  readonly controller: string;
  readonly requestId: string;
  readonly kind: RightsKind;
}

/** What people are told by e-mail, and the privacy team. Pure: everything that is in them is in their arguments. */
export const mailTexts = {
  /** To whoever asked, before anything is done. Does not say whether the address is known. */
  verify: (facts: RequestFacts & { readonly link: string; readonly code: string; readonly expires: When }) =>
    toPerson(facts, "please confirm your request", [
      `Somebody, probably you, asked ${facts.controller} for ${REQUESTED[facts.kind]} and gave this e-mail address. Please confirm that it was you: open this page and press the button on it.`,
      { label: "Confirm the request", link: facts.link },
      "If you are in touch with our privacy team, you can give them this code instead:",
      { code: facts.code },
      `The page and the code work once, until ${writtenOut(facts.expires)}.`,
      "If it was not you, ignore this e-mail: without a confirmation nothing is handed out, changed or erased.",
    ]),

  /** More time is needed: within the first term, with the reason (GDPR Art. 12(3), CCPA Regulations §7021(b)). */
  extended: (facts: RequestFacts & { readonly due: When; readonly reason: ExtensionReason }) =>
    toPerson(facts, "your request takes longer", [
      `We need more time for your request for ${REQUESTED[facts.kind]}. ${EXTENSIONS[facts.reason]}`,
      `You will have our answer by ${writtenOut(facts.due)} at the latest. You need not do anything.`,
    ]),

  /** `complaint`: a sentence on where the person can complain, and that they can go to court (GDPR Art. 12(4)). */
  denied: (facts: RequestFacts & { readonly reason: DenialReason; readonly complaint: string }) =>
    toPerson(facts, "about your request", [
      `We do not carry out your request for ${REQUESTED[facts.kind]}. ${DENIALS[facts.reason]}`,
      "If you think that this is wrong, answer this e-mail.",
      facts.complaint,
    ]),

  closed: (
    facts: RequestFacts & {
      readonly result: "fulfilled" | "partly_fulfilled";
      readonly platforms: readonly PlatformOutcome[];
      /** Nobody is known by what was given. */
      readonly nobody?: boolean;
      /** Of dates until which something is kept. */
      readonly timeZone: string;
    },
  ) =>
    toPerson(facts, "your request is done", [
      facts.nobody === true
        ? `We know nobody by what you gave us, so that there was nothing to do for your request for ${REQUESTED[facts.kind]}.`
        : facts.result === "fulfilled"
          ? `Your request for ${REQUESTED[facts.kind]} is done.`
          : `Your request for ${REQUESTED[facts.kind]} is done as far as we could. Not all of it was possible; this is what became of it.`,
      ...(facts.platforms.length === 0 ? [] : [{ list: facts.platforms.map(outcomeIn(facts)) }]),
      "If you have a question, answer this e-mail.",
    ]),

  /** The passphrase is not in it: who reads the mailbox alone cannot open the file. */
  ready: (facts: RequestFacts & { readonly link: string; readonly expires: When }) =>
    toPerson(facts, "your data are ready", [
      `What you asked for, ${REQUESTED[facts.kind]}, can be downloaded until ${writtenOut(facts.expires)}.`,
      { label: "Download", link: facts.link },
      "The file is a ZIP archive, encrypted with AES-256. To open it you need the passphrase that you saw on the page on which you confirmed your request; it is not in this e-mail. Windows and macOS may not open such an archive by themselves; 7-Zip, Keka and PeaZip do.",
      "If you do not have the passphrase any more, make a new request.",
    ]),

  /** To the privacy team: a deadline comes near. */
  reminder: (facts: RequestFacts & { readonly deadline: Deadline; readonly due: When }) =>
    toTeam(facts, `due ${writtenDay(facts.due)}`, [`${DEADLINES[facts.deadline]} ${writtenOut(facts.due)}.`]),

  /** To the privacy team: a deadline has passed. */
  overdue: (facts: RequestFacts & { readonly deadline: Deadline; readonly due: When }) =>
    toTeam(facts, `overdue since ${writtenDay(facts.due)}`, [
      `${DEADLINES[facts.deadline]} ${writtenOut(facts.due)}. That has passed.`,
    ]),
};

/** `acknowledge`: the person has to be told that the request came (CCPA). `answer`: it has to be carried out or refused. */
export type Deadline = "acknowledge" | "answer";

const DEADLINES: Readonly<Record<Deadline, string>> = {
  acknowledge: "Last day to confirm to the person that it was received:",
  answer: "Last day to answer it:",
};

const EXTENSIONS: Readonly<Record<ExtensionReason, string>> = {
  complexity: "It is a complex one: there is a lot to look through.",
  number_of_requests: "There are many requests at the moment.",
};

const DENIALS: Readonly<Record<DenialReason, string>> = {
  suspected_fraud: "We have reason to think that it was not made by the person whose data it is about.",
  insuf_verification: "We could not make sure that it was you who made it.",
  no_match: "We found nothing that is about you by what you gave us.",
  claim_not_covered: "The law does not give this right in your case.",
  outside_jurisdiction: "The law that gives this right does not apply where you are.",
  too_many_requests: "You have made the same request too often in a short time.",
  other: "Our privacy team will tell you the reason in a message of its own.",
};

function toPerson({ controller, requestId }: RequestFacts, subject: string, parts: Paragraph[]): Letter {
  return letter(`${controller}: ${subject}`, ["Hello,", ...parts, `${controller}\nRequest ${requestId}`]);
}

function toTeam({ controller, requestId, kind }: RequestFacts, subject: string, parts: Paragraph[]): Letter {
  const name = `${spelled(kind)} request ${requestId}`;
  return letter(`${controller}: ${name} is ${subject}`, [
    `This is about the ${name} of a person to ${controller}.`,
    ...parts,
    `\`lethe rights show ${requestId}\` says where it stands.`,
  ]);
}

function outcomeIn({ kind, timeZone }: { kind: RightsKind; timeZone: string }) {
  const day = (at: string) => writtenDay({ at, timeZone });
  return (platform: PlatformOutcome) => `${platform.name}: ${outcomeInWords(kind, platform, day)}`;
}
