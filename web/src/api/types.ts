// Names for what the API document describes. schema.d.ts is made from openapi.json by `npm run types`.

import type { components } from './schema';

type Schemas = components['schemas'];

export type Account = Schemas['Account'];
export type OfferedFactor = Schemas['OfferedFactor'];
export type RoomTicket = Schemas['RoomTicket'];
export type LogIn = Schemas['LogIn'];
export type AccountKind = Account['kind'];
export type AgeAnswer = Schemas['AgeCheck'];
export type NewAccount = Schemas['SignUpInputBody'];
export type Role = Schemas['Role'];
export type Bank = Schemas['Bank'];
export type Judge = Schemas['Judge'];
export type Privacy = Schemas['Privacy'];
export type Statement = Schemas['Statement'];
export type Retention = Schemas['Retention'];
export type RetentionRule = Schemas['RetentionRule'];
export type RetentionPlace = Schemas['RetentionPlace'];
export type Consents = Schemas['Consents'];
export type ConsentName = keyof Consents;
export type Session = Schemas['Session'];
export type Sessions = Schemas['Sessions'];
export type Mode = Session['mode'];
export type SessionState = Session['state'];
export type Notice = Schemas['Notice'];
export type Report = Schemas['Report'];
export type Question = Schemas['Question'];
export type Take = Schemas['Take'];
export type Line = Schemas['Line'];
export type Word = Schemas['Word'];
export type Measurement = Schemas['Measurement'];
export type Rating = Schemas['Rating'];
export type Evidence = Schemas['Evidence'];
export type Competency = Schemas['Competency'];
export type Gap = Schemas['Gap'];
export type Recording = Schemas['Recording'];
export type Organization = Schemas['Organization'];
export type Authorization = Schemas['Authorization'];
export type NewAuthorization = Schemas['AuthorizeInputBody'];
export type Scope = NewAuthorization['scopes'][number];
export type Purpose = Authorization['purpose'];
export type Access = Schemas['Access'];
export type SharedSession = Schemas['SharedSession'];
export type Overview = Schemas['Overview'];
