import type { Mapping, Source } from "./mapping.ts";

interface Clash {
  readonly path: PropertyKey[];
  readonly message: string;
}

/** What is wrong with parts of a mapping that are each in order. */
export function checkTogether(mapping: Mapping): Clash[] {
  return [...headersOfEvents(mapping), ...tellingApart(mapping), ...declaredOtherwise(mapping)];
}

/** A header says nothing about one of several events. */
function headersOfEvents({ events, id = [], topic, account, occurredAt }: Mapping): Clash[] {
  if (events === undefined) return [];
  const own: [PropertyKey[], Source | undefined][] = [
    [["topic"], topic],
    [["account"], account],
    [["occurredAt"], occurredAt],
    ...id.map((source, at): [PropertyKey[], Source] => [["id", at], source]),
  ];
  return own.flatMap(([path, source]) =>
    source !== undefined && "header" in source
      ? [{ path, message: "a header says nothing about one of several events; give a path" }]
      : [],
  );
}

/** Headers that are the same in every request, or that say only how this one came. */
const OF_NO_DELIVERY =
  /^(accept(-.*)?|authorization|connection|content-.*|cookie|host|keep-alive|te|transfer-encoding|user-agent|via)$/;

/**
 * What is taken for a repeat has no effects. So what tells deliveries apart must differ between them, and where a
 * mapping tells of choices something must: somebody who opts out, in and out again says the same twice.
 */
function tellingApart({ events, id, topic, account, occurredAt, topics, signature }: Mapping): Clash[] {
  const constant = (id ?? []).flatMap((source, at) =>
    "header" in source &&
    (OF_NO_DELIVERY.test(source.header) ||
      signature.headers.includes(source.header) ||
      /(^|-)(signature|hmac[^-]*|timestamp)(-|$)/.test(source.header))
      ? [{ path: ["id", at], message: `the header ${source.header} does not tell one delivery from another` }]
      : [],
  );
  if (constant.length > 0) return constant;
  if (id !== undefined) {
    const shared = [topic, account].flatMap((source) => (source === undefined ? [] : [keyOf(source)]));
    const fault = id.every((source) => shared.includes(keyOf(source)))
      ? "topic and account do not tell one delivery from another"
      : events !== undefined && id.every((source) => "body" in source)
        ? "the body is the same for all events of a request; give a path of the event"
        : undefined;
    return fault === undefined ? [] : [{ path: ["id"], message: fault }];
  }
  const chooses = Object.values(topics).some(({ consent }) => consent !== undefined);
  // Only what stands in an event tells it from others without an id.
  const dated =
    occurredAt !== undefined && ("text" in occurredAt || ("body" in occurredAt && events === undefined));
  return chooses && !dated
    ? [
        {
          path: ["id"],
          message:
            "is missing, and so is occurredAt as a path of the event: where there is consent, one of them must tell a choice that is made again from a request that is sent again",
        },
      ]
    : [];
}

const keyOf = (source: Source) =>
  "header" in source ? `header ${source.header}` : "body" in source ? source.body.text : source.text;

/** Several topics may give the same activity, if they say the same about it. */
function declaredOtherwise({ topics }: Mapping): Clash[] {
  const known = new Map<string, string>();
  return Object.entries(topics).flatMap(([topic, { activity }]) => {
    const declared = JSON.stringify(Object.entries(activity).toSorted());
    const before = known.get(activity.name) ?? declared;
    known.set(activity.name, before);
    return before === declared
      ? []
      : [
          {
            path: ["topics", topic, "activity"],
            message: `"${activity.name}" is declared otherwise by another topic`,
          },
        ];
  });
}
