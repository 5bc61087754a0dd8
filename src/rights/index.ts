export { buildBundle, type HubKnowledge } from "./bundle/index.ts";
export {
  CHALLENGE_LASTS,
  challengeOfLink,
  codeOf,
  lastChallengeEnds,
  linkToken,
  newChallenge,
  passphraseFor,
  provesLink,
  readLink,
  tryCode,
  useChallenge,
} from "./challenge.ts";
export { type Clock, type ClockFacts, clockOf } from "./clock/clock.ts";
export { rightToComplain } from "./clock/complaint.ts";
export { isTimeZone } from "./clock/days.ts";
export { clockErrors } from "./clock/errors.ts";
export { knowsHolidays } from "./clock/holidays.ts";
export { type Reminder, remindersOf } from "./clock/reminders.ts";
export { DPDP_MAXIMUM_DAYS, needsVerification, type OwnPeriods } from "./clock/rules.ts";
export { closeRequest, forgetRequests, settleOwnTask } from "./conclude.ts";
export {
  clockFor,
  extendRequest,
  pauseRequest,
  type RightsSettings,
  resumeRequest,
  rightsSettings,
  setDeadlines,
  type Watch,
} from "./deadlines.ts";
export { approveRequest, denyRequest, subjectOf, verifyRequest } from "./decide.ts";
export {
  claimFrom,
  contactHash,
  correctionsOf,
  type Details,
  GivenCorrections,
  knownAt,
  openDetails,
  personOf,
  shredDetails,
} from "./details.ts";
export { type ErasureTask, eraseThere, readBackErasure } from "./erase-there.ts";
export { rightsErrors } from "./errors.ts";
export { issueEvidence } from "./evidence/issue.ts";
export { evidencePage } from "./evidence/page.ts";
export {
  EVIDENCE_FAULTS,
  type EvidenceFault,
  type EvidenceVerification,
  verifyEvidence,
} from "./evidence/verify.ts";
export { areHeld, checkHolds, forgetHolds, heldThrough, holdsOf, placeHold, releaseHolds } from "./hold.ts";
export { liftRequest } from "./lift.ts";
export { createMailer, type Mailer, mailTexts } from "./mail/index.ts";
export { type Decision, moveRequest, noteAct } from "./move.ts";
export { openNote, sealNote } from "./note.ts";
export { noticesOf, openNotice, type PlannedNotice, planNotice, settleNotice } from "./notice.ts";
export { type NewRequest, type Opened, openRequest } from "./open.ts";
export { type Page, pages } from "./pages/index.ts";
export { byConsent, hasSpokenOf, type PlannedTask, planTasks, stoppedBy } from "./plan.ts";
export { rectifyThere } from "./rectify-there.ts";
export { findRequest, findRequests, lockRequest, type RightsRequest } from "./request.ts";
export { removeRequests, shredClosed } from "./retention.ts";
export {
  bundleOf,
  DOWNLOAD_DAYS,
  openParts,
  saveBundle,
  savePart,
  shredFiles,
  takeBundle,
} from "./sealed-files.ts";
export {
  allSettled,
  type ByHand,
  completeTask,
  isUnderWay,
  noteTaskFailure,
  type Outcome,
  settleTask,
} from "./settle.ts";
export { isClosed, MOVES } from "./states.ts";
export {
  type Asked,
  findTask,
  markAsked,
  noteAsked,
  openAsked,
  reopenTask,
  type Task,
  tasksOf,
} from "./task.ts";
export { listRightsRequests, rightsBacklog, showRightsRequest, taskView } from "./view.ts";
