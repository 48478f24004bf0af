// The schemas of the service identity, generated from its OpenAPI document by `make docs`.

/** What cloud AI may cost and whether pictures may leave the city's own machines. */
export interface AiBudget {
  daily_usd?: number;
  allow_cloud?: boolean;
}

/** What an anchor says. Signed along, so that a seal cannot pass for the end of what retention dropped. */
export type AnchorKind = "seal" | "cut";

/** A signed statement about an entry. `public_key` is null where the key is no longer known here. */
export interface AnchorOut {
  seq: number;
  kind: AnchorKind;
  anchored_at: string;
  hash: string;
  kid: string;
  signature: string;
  public_key: string | null;
  object_key: string;
}

/** A new key: it can do a part of what you can, for at most two years (one, unless you say otherwise). */
export interface ApiKeyIn {
  name: string;
  scopes: (Scope)[];
  camera_groups?: (string)[] | null;
  expires_at?: string | null;
}

/** A key with its text, which is shown this once. */
export interface ApiKeyMadeOut {
  id: string;
  name: string;
  hint: string | null;
  scopes: (string)[];
  camera_groups: (string)[] | null;
  created_at: string;
  created_by: string | null;
  expires_at: string | null;
  revoked_at: string | null;
  last_used_at: string | null;
  last_used_address: string | null;
  key: string;
}

/** A key without its text. */
export interface ApiKeyOut {
  id: string;
  name: string;
  hint: string | null;
  scopes: (string)[];
  camera_groups: (string)[] | null;
  created_at: string;
  created_by: string | null;
  expires_at: string | null;
  revoked_at: string | null;
  last_used_at: string | null;
  last_used_address: string | null;
}

/** What holds a session's tokens: it decides how long they last, and whether the refresh token is a cookie. */
export type Client = "browser" | "mobile" | "api";

/** What the app shows now. */
export interface ConfirmIn {
  code: string;
}

/** Each is good for one login without the phone; told once. */
export interface ConfirmOut {
  recovery_codes: (string)[];
}

/** The password, and a code of the app or a recovery code. */
export interface DisableIn {
  password: string;
  code: string;
}

/** An entry with what binds it to its neighbours. */
export interface EntryOut {
  version: number;
  tenant_id: string;
  seq: number;
  recorded_at: string;
  event_id: string;
  occurred_at: string;
  action: string;
  outcome: string;
  actor_id: string | null;
  actor_name: string | null;
  actor_role: string | null;
  session_id: string | null;
  object_kind: string | null;
  object_id: string | null;
  camera_id: string | null;
  purpose: string | null;
  range_from: string | null;
  range_to: string | null;
  address: string | null;
  user_agent: string | null;
  service: string | null;
  correlation_id: string;
  details: Record<string, string>;
  prev_hash: string;
  hash: string;
  mac: string;
  mac_kid: string;
}

/** RFC 8693, 2.2.1. */
export interface ExchangeOut {
  access_token: string;
  issued_token_type?: string;
  token_type?: "Bearer";
  expires_in: number;
}

/** Something that is wrong, in words for an operator. */
export interface FindingOut {
  wrong: Wrong;
  seq: number;
  at: string | null;
  says: string;
}

/** The first administrator. The password is shown this once, and must be changed at the first login. */
export interface FirstAdminOut {
  id: string;
  email: string;
  password: string;
}

export interface HTTPValidationError {
  detail?: (ValidationError)[];
}

/** RFC 7517. */
export interface JwksOut {
  keys: (Record<string, string>)[];
}

/** An address and a password; a code where the account has a second factor. */
export interface LoginIn {
  email: string;
  password: string;
  code?: string | null;
  client?: Client;
  device?: string | null;
}

/** The bearer of the token: a user has an address, a program a name. */
export interface MeOut {
  id: string;
  kind: "user" | "api_key";
  email: string | null;
  name: string;
  role: Role;
  scopes: (string)[];
  tenant_id: string;
  tenant: string;
  display_name: string | null;
  timezone: string;
  has_logo: boolean;
  camera_groups: (string)[] | null;
  must_change_password: boolean;
  second_factor: boolean;
  purposes: (string)[];
  purpose_required: boolean;
}

/** How it ended. */
export type Outcome = "allowed" | "refused";

export interface Page_AnchorOut_ {
  items: (AnchorOut)[];
  next?: string | null;
}

export interface Page_ApiKeyOut_ {
  items: (ApiKeyOut)[];
  next?: string | null;
}

export interface Page_EntryOut_ {
  items: (EntryOut)[];
  next?: string | null;
}

export interface Page_SessionItemOut_ {
  items: (SessionItemOut)[];
  next?: string | null;
}

export interface Page_TenantOut_ {
  items: (TenantOut)[];
  next?: string | null;
}

export interface Page_UserOut_ {
  items: (UserOut)[];
  next?: string | null;
}

/** The old one and the new one. */
export interface PasswordIn {
  current_password: string;
  new_password: string;
}

/** One button of the login page. */
export interface ProviderOut {
  name: string;
  title: string;
  start: string;
}

/** In the operator's order. */
export interface ProvidersOut {
  providers: (ProviderOut)[];
}

/** Declared legal purposes: codes that a search or a playback may name. */
export interface Purposes {
  codes?: (string)[];
  required?: boolean;
}

/** Most of what a city may use. None: no limit. */
export interface Quotas {
  cameras?: number | null;
  users?: number | null;
  storage_gb?: number | null;
  detections_per_minute?: number | null;
}

/** The refresh token of the last answer; a browser sends it as a cookie instead. */
export interface RefreshIn {
  refresh_token?: string | null;
}

/** Told once; it must be changed at the next login. */
export interface ResetOut {
  password: string;
}

/** Days that each kind of data is kept. */
export interface Retention {
  video_days?: number;
  offsite_days?: number;
  passages_days?: number;
  evidence_days?: number;
  detections_days?: number;
  audit_days?: number;
}

/** A bundle of scopes that people know by name. */
export type Role = "platform_admin" | "admin" | "operator" | "viewer" | "auditor" | "partner";

/** One right, `<noun>:<verb>`. A route declares the one it needs. */
export type Scope = "cameras:read" | "cameras:write" | "live:view" | "recordings:read" | "exports:make" | "holds:read" | "holds:write" | "streams:read" | "streams:control" | "detections:read" | "plates:search" | "detect:run" | "ai:read" | "alerts:read" | "alerts:acknowledge" | "watchlists:read" | "watchlists:write" | "rules:read" | "rules:write" | "channels:read" | "channels:write" | "users:read" | "users:write" | "api-keys:read" | "api-keys:write" | "settings:read" | "settings:write" | "audit:read" | "audit:export" | "tenants:read" | "tenants:write";

/** A session that is alive. */
export interface SessionItemOut {
  id: string;
  user_id: string;
  client: Client;
  device: string | null;
  address: string | null;
  created_at: string;
  last_used_at: string;
  expires_at: string;
  current: boolean;
}

/** A session's tokens. While `must_change_password`, they open nothing but `POST /auth/password`. */
export interface SessionOut {
  access_token: string;
  refresh_token: string | null;
  csrf_token: string | null;
  token_type?: "Bearer";
  expires_in: number;
  session_id: string;
  must_change_password: boolean;
  user: SessionUserOut;
}

/** The user of a fresh session. */
export interface SessionUserOut {
  id: string;
  role: Role;
  tenant_id: string;
  email: string;
  name: string | null;
}

/** The password again: a stolen token must not be enough to lock its owner out. */
export interface StartIn {
  password: string;
}

/** For the app, told once: as text, as a link, and as a picture to point the phone at. */
export interface StartOut {
  secret: string;
  otpauth_uri: string;
  qr_svg: string;
}

/** A new tenant. The settings are the defaults, unless given. */
export interface TenantIn {
  name: string;
  admin_email: string;
  admin_name?: string | null;
  settings?: Record<string, unknown> | null;
}

/** A tenant and its first administrator. */
export interface TenantMadeOut {
  id: string;
  name: string;
  revision: number;
  created_at: string;
  state: TenantState;
  suspended_at: string | null;
  deletes_at: string | null;
  users: number;
  ceiling?: Record<string, number>;
  admin: FirstAdminOut;
}

/** A tenant. */
export interface TenantOut {
  id: string;
  name: string;
  revision: number;
  created_at: string;
  state: TenantState;
  suspended_at: string | null;
  deletes_at: string | null;
  users: number;
  ceiling?: Record<string, number>;
}

/** What can be changed of a tenant itself; the rest are its settings. */
export interface TenantPatch {
  name: string;
}

/** What a city decides for itself. */
export interface TenantSettings {
  retention?: Retention;
  quotas?: Quotas;
  ai_budget?: AiBudget;
  purposes?: Purposes;
  channels?: (string)[];
  display_name?: string | null;
  logo_key?: string | null;
  timezone?: string;
}

/** What becomes of a city. */
export type TenantState = "active" | "suspended" | "closing" | "deleted";

/** What the ticket is for. */
export interface TicketIn {
  purpose: TicketPurpose;
  camera_id?: string | null;
}

/** One ticket opens one session, as `?ticket=`. */
export interface TicketOut {
  ticket: string;
  expires_in?: number;
}

/** What a ticket opens. */
export type TicketPurpose = "live" | "ws";

/** A new user. They must change the password, which another person chose, at their first login, unless said otherwise. */
export interface UserIn {
  email: string;
  password: string;
  role: Role;
  camera_groups?: (string)[] | null;
  name?: string | null;
  must_change_password?: boolean;
}

/** A user. */
export interface UserOut {
  id: string;
  tenant_id: string;
  email: string;
  name: string | null;
  role: Role;
  camera_groups: (string)[] | null;
  disabled: boolean;
  must_change_password: boolean;
  second_factor: boolean;
  created_at: string;
  last_login_at: string | null;
}

/** What can be changed; what is left out stays. `camera_groups: null` means every camera. */
export interface UserPatch {
  role?: Role | null;
  camera_groups?: (string)[] | null;
  name?: string | null;
  disabled?: boolean | null;
}

export interface ValidationError {
  loc: (string | number)[];
  msg: string;
  type: string;
  input?: unknown;
  ctx?: Record<string, unknown>;
}

/** Rows `first` to `last` were looked at and `rows` of them are right; `findings` are the first twenty that are not, and `finding` is */
export interface VerificationOut {
  right: boolean;
  first: number;
  last: number;
  rows: number;
  head: number;
  finding: FindingOut | null;
  findings: (FindingOut)[];
  anchors: (FindingOut)[];
  last_anchor: AnchorOut | null;
  unanchored: number;
  next: number | null;
}

/** What a finding is about. Its `says` has the evidence. */
export type Wrong = "altered" | "missing" | "inserted" | "key_unknown" | "anchor";
