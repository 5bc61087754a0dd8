export type { Letter } from "./letter.ts";
export { createMailer, MAIL_PATIENCE, type Mail, type Mailer, type MailerOptions } from "./mailer.ts";
export {
  type Deadline,
  mailTexts,
  type RequestFacts,
} from "./texts.ts";
