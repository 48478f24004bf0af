// The schemas of the service alerts, generated from its OpenAPI document by `make docs`.

/** The alerts that a person has seen. */
export interface AcknowledgeIn {
  alert_ids: (string)[];
  comment?: string;
}

/** The alerts, in the order in which they were named, and those that do not exist. */
export interface AcknowledgedOut {
  acknowledged: (AlertOut)[];
  not_found: (string)[];
}

/** An alert; the live channel carries the same fields. */
export interface AlertOut {
  alert_id: string;
  kind: string;
  severity: Severity;
  title: string;
  reason: string;
  state: AlertState;
  raised_at: string;
  camera_id: string | null;
  camera_ids: (string)[];
  plate: string | null;
  watchlist_id: string | null;
  rule_id: string | null;
  detection_id: string | null;
  captured_at: string | null;
  last_seen_at: string | null;
  sightings: number;
  acknowledged_by: string | null;
  acknowledged_at: string | null;
  resolved_by: string | null;
  resolved_at: string | null;
  assigned_to: string | null;
  snoozed_until: string | null;
  is_possible: boolean;
  alternatives: (string)[];
  details: Record<string, string>;
  comments: number;
  change: number;
}

/** How far it has come. */
export type AlertState = "open" | "acknowledged" | "resolved";

/** Who sees to it; null: no one in particular. */
export interface AssigneeIn {
  user_id: string | null;
}

/** Alerts that changed, as they are now, and the number to ask on from. */
export interface ChangesOut {
  items: (AlertOut)[];
  last: number;
}

/** A new channel. */
export interface ChannelIn {
  name: string;
  enabled?: boolean | null;
  settings?: Record<string, string | number> | null;
  secrets?: Record<string, string> | null;
  min_severity?: Severity | null;
  kinds?: (string)[] | null;
  rate_per_minute?: number | null;
  quiet_hours?: QuietHoursModel | null;
  template?: TemplateModel | null;
  kind: Kind;
}

/** A channel. Of its secrets only the names are told. */
export interface ChannelOut {
  channel_id: string;
  kind: Kind;
  name: string;
  enabled: boolean;
  settings: Record<string, unknown>;
  secrets_set: (string)[];
  min_severity: Severity;
  kinds: (string)[];
  rate_per_minute: number;
  quiet_hours: QuietHoursModel | null;
  template: TemplateModel | null;
  created_at: string;
  trouble: TroubleOut | null;
  last_delivered_at: string | null;
}

/** What to change. `settings` replaces all of them; of `secrets` those that are named, and an empty one is removed. */
export interface ChannelPatch {
  name?: string | null;
  enabled?: boolean | null;
  settings?: Record<string, string | number> | null;
  secrets?: Record<string, string> | null;
  min_severity?: Severity | null;
  kinds?: (string)[] | null;
  rate_per_minute?: number | null;
  quiet_hours?: QuietHoursModel | null;
  template?: TemplateModel | null;
}

/** Every channel of the city. */
export interface ChannelsOut {
  items: (ChannelOut)[];
}

/** What a person says of an alert. */
export interface CommentIn {
  text: string;
}

/** So many different things within so many seconds. */
export interface Count {
  at_least: number;
  within_s: number;
}

/** A message to one recipient. `notice` is why it was sent, `digest` for one that stands for many, which has no alert. */
export interface DeliveryOut {
  delivery_id: string;
  alert_id: string | null;
  alert_title: string;
  channel_id: string;
  channel_name: string;
  to: string | null;
  notice: string;
  state: DeliveryState;
  attempts: number;
  next_try_at: string | null;
  last_answer: string;
  created_at: string;
  delivered_at: string | null;
  digest_id: string | null;
}

/** How far a message has come. */
export type DeliveryState = "waiting" | "held" | "delivered" | "failed" | "digested";

/** A message with every attempt, oldest first. */
export interface DeliveryWithTries {
  delivery_id: string;
  alert_id: string | null;
  alert_title: string;
  channel_id: string;
  channel_name: string;
  to: string | null;
  notice: string;
  state: DeliveryState;
  attempts: number;
  next_try_at: string | null;
  last_answer: string;
  created_at: string;
  delivered_at: string | null;
  digest_id: string | null;
  tries: (TryOut)[];
}

/** Which way a line is crossed. Look from a to b: `a_to_b` is from your left hand to your right hand, as the screen shows it. */
export type Direction = "any" | "a_to_b" | "b_to_a";

/** A plate to look for; hyphens, spaces and case do not matter. Without cameras and groups it is looked for everywhere. */
export interface EntryIn {
  plate: string;
  match?: Match;
  reason?: string;
  valid_until?: string | null;
  valid_from?: string | null;
  enabled?: boolean;
  legal_basis?: string;
  priority?: Severity | null;
  hours?: WeekHours | null;
  camera_ids?: (string)[];
  group_ids?: (string)[];
}

/** What to change. What is left out stays; a null `valid_until` or `valid_from` ends nothing, nor do null `hours` limit it. */
export interface EntryPatch {
  match?: Match | null;
  reason?: string | null;
  valid_until?: string | null;
  valid_from?: string | null;
  enabled?: boolean | null;
  legal_basis?: string | null;
  priority?: Severity | null;
  hours?: WeekHours | null;
  camera_ids?: (string)[] | null;
  group_ids?: (string)[] | null;
}

/** A field of a channel's form. */
export interface FieldOut {
  name: string;
  label: string;
  type: FieldType;
  required: boolean;
  help: string;
  choices: (string)[] | null;
}

/** How a form asks for a value. */
export type FieldType = "text" | "secret" | "number" | "choice";

/** A new group on call. */
export interface GroupIn {
  name: string;
  members: (MemberModel)[];
  rotation: RotationModel;
  overrides?: (OverrideModel)[];
}

/** People who take turns at being on call. */
export interface GroupOut {
  group_id: string;
  name: string;
  members: (MemberModel)[];
  rotation: RotationModel;
  overrides: (OverrideModel)[];
}

/** What to change. What is left out stays. */
export interface GroupPatch {
  name?: string | null;
  members?: (MemberModel)[] | null;
  rotation?: RotationModel | null;
  overrides?: (OverrideModel)[] | null;
}

export interface HTTPValidationError {
  detail?: (ValidationError)[];
}

/** What became of an alert, oldest first. */
export interface HistoryOut {
  items: (alerts__alerts__api__EntryOut)[];
}

/** A day on which the city rests. */
export interface HolidayBody {
  date: string;
  name: string;
}

/** An import and how far it has come: `done` of `lines` were written or passed over. `invalid` counts all of the invalid lines, */
export interface ImportOut {
  import_id: string;
  watchlist_id: string;
  state: ImportState;
  dry_run: boolean;
  on_error: OnError;
  created_at: string;
  created_by: string;
  finished_at: string | null;
  lines: number;
  done: number;
  added: number;
  changed: number;
  unchanged: number;
  invalid: number;
  errors: (LineErrorOut)[];
}

/** How far it has come. */
export type ImportState = "queued" | "checking" | "writing" | "finished" | "rejected" | "failed";

/** By what a message travels. */
export type Kind = "email" | "telegram" | "slack" | "pagerduty" | "sms" | "whatsapp" | "webhook" | "web_push";

/** A kind of channel, from which the console draws the form. */
export interface KindOut {
  kind: Kind;
  name: string;
  carries_pictures: boolean;
  fields: (FieldOut)[];
  template: TemplateModel;
  variables: (VariableOut)[];
}

/** Every kind of channel. */
export interface KindsOut {
  items: (KindOut)[];
}

/** A line in the picture that is crossed by the way of a foot point from one picture to the next. */
export interface Line {
  a: [number, number];
  b: [number, number];
  direction?: Direction;
}

/** What is wrong with a line; line 1 has the column names. */
export interface LineErrorOut {
  line: number;
  column: string | null;
  code: string;
  message: string;
}

/** How an entry compares plates. */
export type Match = "exact" | "era" | "similar";

/** A person who takes turns. */
export interface MemberModel {
  name: string;
  user_id?: string | null;
  reach: (WayModel)[];
}

/** What a person may add. */
export interface NoteIn {
  comment?: string;
}

/** What a detection can be of. */
export type ObjectClass = "car" | "motorcycle" | "bus" | "truck" | "person" | "plate" | "vehicle";

/** What becomes of a file with invalid lines. */
export type OnError = "stop" | "skip";

/** How many alerts are open. */
export interface OpenCounts {
  critical: number;
  warning: number;
  info: number;
  total: number;
}

/** Another member in the place of the one whose turn it is. */
export interface OverrideModel {
  from: string;
  to: string;
  member: string;
}

export interface Page_AlertOut_ {
  items: (AlertOut)[];
  next?: string | null;
}

export interface Page_DeliveryOut_ {
  items: (DeliveryOut)[];
  next?: string | null;
}

export interface Page_EntryOut_ {
  items: (alerts__watchlists__api__EntryOut)[];
  next?: string | null;
}

export interface Page_GroupOut_ {
  items: (GroupOut)[];
  next?: string | null;
}

export interface Page_PolicyOut_ {
  items: (PolicyOut)[];
  next?: string | null;
}

export interface Page_RuleOut_ {
  items: (RuleOut)[];
  next?: string | null;
}

export interface Page_ShiftOut_ {
  items: (ShiftOut)[];
  next?: string | null;
}

export interface Page_VersionOut_ {
  items: (VersionOut)[];
  next?: string | null;
}

export interface Page_WatchlistOut_ {
  items: (WatchlistOut)[];
  next?: string | null;
}

export interface Page_WindowOut_ {
  items: (WindowOut)[];
  next?: string | null;
}

/** A new policy. An empty list of a kind means every one; the first step has after_min 0. */
export interface PolicyIn {
  name: string;
  enabled?: boolean;
  order?: number;
  severities?: (Severity)[];
  kinds?: (string)[];
  watchlist_ids?: (string)[];
  rule_ids?: (string)[];
  steps: (StepModel)[];
  repeat_h?: number | null;
}

/** Who is told of which alerts, and who next where nobody answers. */
export interface PolicyOut {
  policy_id: string;
  name: string;
  enabled: boolean;
  order: number;
  severities: (Severity)[];
  kinds: (string)[];
  watchlist_ids: (string)[];
  rule_ids: (string)[];
  steps: (StepModel)[];
  repeat_h: number | null;
}

/** What to change. What is left out stays; a null `repeat_h` ends the reminders. */
export interface PolicyPatch {
  name?: string | null;
  enabled?: boolean | null;
  order?: number | null;
  severities?: (Severity)[] | null;
  kinds?: (string)[] | null;
  watchlist_ids?: (string)[] | null;
  rule_ids?: (string)[] | null;
  steps?: (StepModel)[] | null;
  repeat_h?: number | null;
}

/** A template to try; null: the one that the kind has by itself. */
export interface PreviewIn {
  kind: Kind;
  template?: TemplateModel | null;
  alert_id?: string | null;
}

/** The text as it reads of an alert. */
export interface PreviewOut {
  subject: string;
  body: string;
}

/** The `applicationServerKey` of the Push API. */
export interface PushKeyOut {
  public_key: string;
}

/** The keys of a browser's subscription. */
export interface PushKeys {
  p256dh: string;
  auth: string;
}

/** A browser, as `PushSubscription.toJSON()` describes it. */
export interface PushSubscriptionIn {
  endpoint: string;
  keys: PushKeys;
  expirationTime?: number | null;
}

/** Hours of the city's clock in which the channel is silent; past midnight they belong to the day on which they began. */
export interface QuietHoursModel {
  from: string;
  to: string;
  days?: (number)[];
  except_critical?: boolean;
}

/** The alerts, in the order in which they were named, and those that do not exist. */
export interface ResolvedOut {
  resolved: (AlertOut)[];
  not_found: (string)[];
}

/** Turns of so many days, from a date on, handed over at a time of the city's clock. */
export interface RotationModel {
  starts_on: string;
  at?: string;
  days?: number;
}

/** What a rule looks for: all that is named must hold; of a list, any. Empty lists name no limit. */
export interface RuleCondition {
  classes?: (ObjectClass)[];
  camera_ids?: (string)[];
  group_ids?: (string)[];
  min_confidence?: number;
  zone?: Zone | null;
  line?: Line | null;
  dwell_s?: number | null;
  count?: Count | null;
  colours?: (string)[];
  plate?: string | null;
  schedule?: Schedule | null;
}

/** A new rule. It is switched off unless told otherwise: try it first (`POST /detections/dry-run`). */
export interface RuleIn {
  name: string;
  enabled?: boolean;
  severity?: Severity;
  condition: RuleCondition;
  cooldown_s?: number;
  channel_ids?: (string)[] | null;
}

/** A rule. */
export interface RuleOut {
  rule_id: string;
  name: string;
  enabled: boolean;
  severity: Severity;
  version: number;
  condition: RuleCondition;
  cooldown_s: number;
  channel_ids: (string)[] | null;
  created_at: string;
  updated_at: string;
}

/** What to change. What is left out stays; the condition is replaced as a whole; null `channel_ids`: the usual channels. */
export interface RulePatch {
  name?: string | null;
  enabled?: boolean | null;
  severity?: Severity | null;
  condition?: RuleCondition | null;
  cooldown_s?: number | null;
  channel_ids?: (string)[] | null;
}

/** When a rule holds, in the city's time zone. Days are those on which the window begins, 0 is Monday; a window that ends at or before */
export interface Schedule {
  days?: (number)[];
  from?: string;
  to?: string;
  holidays?: gtvision__rules__Holidays;
}

/** A secret, shown this one time. */
export interface SecretOut {
  secret: string;
}

/** How loud an alert is. */
export type Severity = "info" | "warning" | "critical";

/** Who is on call from an instant to another. */
export interface ShiftOut {
  group_id: string;
  group_name: string;
  member: string;
  from: string;
  to: string;
}

/** Until when nobody is told of it; null: no longer. */
export interface SnoozeIn {
  until: string | null;
}

/** Where to look for the import. */
export interface StartedImport {
  import_id: string;
}

/** An entry of an alert's history. */
export type Step = "raised" | "worsened" | "reopened" | "acknowledged" | "commented" | "assigned" | "snoozed" | "woken" | "escalated" | "resolved";

/** Whom to tell when the alert has been open for so many minutes: channels, and who is on call in groups. */
export interface StepModel {
  after_min: number;
  channel_ids?: (string)[];
  group_ids?: (string)[];
}

/** What is open at this moment, of the cameras that the caller may see. */
export interface SummaryOut {
  open: OpenCounts;
  newest_open: AlertOut | null;
}

/** The text of a channel's messages. */
export interface TemplateModel {
  subject: string;
  body: string;
}

/** What became of a test message. */
export interface TestOut {
  delivered: boolean;
  detail: string;
  took_ms: number;
}

/** Since when a channel does not deliver. */
export interface TroubleOut {
  since: string;
  detail: string;
}

/** One attempt to send it. */
export interface TryOut {
  at: string;
  outcome: string;
  detail: string;
  took_ms: number;
}

export interface ValidationError {
  loc: (string | number)[];
  msg: string;
  type: string;
  input?: unknown;
  ctx?: Record<string, unknown>;
}

/** What a template may use. */
export interface VariableOut {
  name: string;
  meaning: string;
  example: unknown;
}

/** A rule as it was from `changed_at` on. */
export interface VersionOut {
  version: number;
  name: string;
  enabled: boolean;
  severity: Severity;
  condition: RuleCondition;
  cooldown_s: number;
  channel_ids: (string)[] | null;
  changed_by: string;
  changed_at: string;
}

/** A new list of plates. */
export interface WatchlistIn {
  name: string;
  severity?: Severity;
  enabled?: boolean;
  channel_ids?: (string)[] | null;
  legal_basis?: string;
  description?: string;
}

/** A list and how many plates it holds. */
export interface WatchlistOut {
  watchlist_id: string;
  name: string;
  severity: Severity;
  enabled: boolean;
  channel_ids: (string)[] | null;
  legal_basis: string;
  description: string;
  created_at: string;
  entries: number;
}

/** What to change. What is left out stays; a null `channel_ids` leaves it to the policies who is told. */
export interface WatchlistPatch {
  name?: string | null;
  severity?: Severity | null;
  enabled?: boolean | null;
  channel_ids?: (string)[] | null;
  legal_basis?: string | null;
  description?: string | null;
}

/** A channel, and the person's own address on it; null: the channel's. */
export interface WayModel {
  channel_id: string;
  to?: string | null;
}

/** Hours of the week in the city's time zone, `from` to `to` on each of the days (0 is Monday), past midnight where `to` is earlier. */
export interface WeekHours {
  days: (number)[];
  from: string;
  to: string;
}

/** Planned work: what happens to these cameras is told to nobody before its end. Neither cameras nor groups: the whole city. */
export interface WindowIn {
  name: string;
  starts_at: string;
  ends_at: string;
  camera_ids?: (string)[];
  group_ids?: (string)[];
}

/** Planned work. */
export interface WindowOut {
  window_id: string;
  name: string;
  starts_at: string;
  ends_at: string;
  camera_ids: (string)[];
  group_ids: (string)[];
  created_at: string;
}

/** What to change. What is left out stays. */
export interface WindowPatch {
  name?: string | null;
  starts_at?: string | null;
  ends_at?: string | null;
  camera_ids?: (string)[] | null;
  group_ids?: (string)[] | null;
}

/** A polygon in the picture, its corners in order; the last is joined to the first. */
export interface Zone {
  points: ([number, number])[];
}

/** A step of an alert's history; without a person where its source or the clock took it. */
export interface alerts__alerts__api__EntryOut {
  at: string;
  what: Step;
  user_id: string | null;
  text: string;
}

/** The days on which the city rests; rules may hold on them only, or never. */
export interface alerts__maintenance__api__Holidays {
  dates: (HolidayBody)[];
}

/** A plate on a list. */
export interface alerts__watchlists__api__EntryOut {
  entry_id: string;
  watchlist_id: string;
  plate: string;
  match: Match;
  reason: string;
  valid_until: string | null;
  valid_from: string | null;
  enabled: boolean;
  legal_basis: string;
  priority: Severity | null;
  hours: WeekHours | null;
  camera_ids: (string)[];
  group_ids: (string)[];
  created_at: string;
}

/** What a holiday of the city changes. */
export type gtvision__rules__Holidays = "as_usual" | "only" | "never";
