/** What to do where a check fails, by its name. */
export const ADVICE: Readonly<Record<string, string>> = {
  "gives what the fixture expects":
    "If the connector is right, correct what follows `=== expect` in the fixture; otherwise the connector.",
  "records only what may be recorded":
    "Use the kit's own words (`ConsentPurpose.options`, `ConsentMethod.options` and so on list them) and activities that are declared, and name one subject in an event.",
  "refuses a changed body":
    "Sign and verify the raw bytes, all of them; or take `body` out of the scheme's `signs`, if the platform signs no body.",
  "refuses a changed signature":
    "Compare the whole signature, in one encoding, and refuse what is not exactly one.",
  "refuses a request without its headers": "List in `requires` what the platform always sends.",
  "refuses other secrets and empty ones":
    "Let no empty secret count, and try each of them with the platform's algorithm.",
  "takes both secrets while one is rotated": "Try every secret that is given, not the first alone.",
  "refuses a request that is too old or from the future":
    "Compare the signed time with `now`, both ways, and give `tolerance` as it is.",
  "refuses another method or URL": "Sign what `signs` says, or say only what is signed.",
  "refuses another content type": "Say in the door's `body` which format the platform sends.",
  "refuses another account":
    "Take `account` from what is signed, or from a header that only the platform sets.",
  "refuses facts that disagree":
    "Give `agree` a header that is not signed, and what the signed body says of it.",
  "knows a request that comes again":
    "Tell deliveries apart by what stays the same when the platform tries again: its event's id, not the time of sending.",
  "lets no text of the payload out in the clear":
    "Put what a person could be known by into `subject()` or a right's `details`, nothing else, and expect it in a fixture.",
  "withstands hostile bodies": "Leave the reading of bodies to the kit.",
  "withstands hostile values":
    "Say in the schema what a value may be; use `embeddedJson` for JSON in a text, and `Object.hasOwn` where a value is looked up.",
  "has a fixture for every door": "Add a `.http` file whose request comes through that door.",
  "tells its fixtures apart": "Name in the door's `id` all that it takes, or add `withBody: true`.",
  "declares every activity": "Give the activity purpose, lawful basis, and data categories.",
  "has a fixture for every topic": "Add a `.http` file for each.",
  "records every activity": "Add a `.http` file, or take the activity away.",
  "lists its topics in its README": "Run `lethe connector test` with `--update`.",
  "accepts its own example of a configuration": "Correct `configuration.example`.",
};
