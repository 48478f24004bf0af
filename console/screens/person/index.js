// One person: what they may do, how they enter, where they are signed in.

import { may, me, session } from "../../shell/state.js";
import { ROLES } from "../../texts/pt-BR/common.js";
import { PEOPLE, PERSON } from "../../texts/pt-BR/people.js";
import { SESSIONS } from "../../texts/pt-BR/sessions.js";
import { moment } from "../../ui/dates.js";
import { html, useState } from "../../ui/html.js";
import { useLoaded } from "../../ui/loading.js";
import { reachInWords } from "../../ui/reach.js";
import { Sessions } from "../../ui/sessions.js";
import { Failed, Skeleton } from "../../ui/states.js";
import { mayChange, PersonState } from "../../ui/people.js";
import { Access } from "./access.js";
import { Rights } from "./rights.js";

export default function Person({ params }) {
  const loaded = useLoaded(() => session.get(`/users/${params.id}`), [params.id]);
  const [ends, setEnds] = useState(0);
  const person = loaded.value;
  const changed = (next) => {
    loaded.set(next);
    setEnds((count) => count + 1); // a change of rights has ended sessions
  };
  if (loaded.problem && !person) return html`<section class="screen person-screen"><${Failed} problem=${loaded.problem} retry=${loaded.reload} /></section>`;
  if (!person) return html`<section class="screen person-screen"><h1>${PEOPLE.name}</h1><${Skeleton} /></section>`;
  const isOwn = person.id === me.value.id;
  const canChange = mayChange(person);
  return html`<section class="screen person-screen">
    <header><h1>${person.name ?? person.email}</h1><${PersonState} person=${person} /><a class="button" href="/pessoas">${PERSON.back}</a></header>
    ${!may("users:write") && html`<p class="muted">${PERSON.readOnly}</p>`}
    ${may("users:write") && !canChange && html`<p class="muted">${PERSON.beyond}</p>`}
    <div class="person-parts">
      <div class="person-column">
        <section class="panel" aria-label=${PERSON.data}>
          <header><h2>${PERSON.data}</h2></header>
          <${Facts} person=${person} />
        </section>
        ${canChange && html`<section class="panel" aria-label=${PERSON.access}>
          <header><h2>${PERSON.access}</h2></header>
          <${Access} person=${person} isOwn=${isOwn} onChanged=${changed} onReset=${loaded.reload} />
        </section>`}
      </div>
      ${canChange && html`<section class="panel" aria-label=${PERSON.rights}>
        <header><h2>${PERSON.rights}</h2></header>
        <${Rights} person=${person} isOwn=${isOwn} onChanged=${changed} />
      </section>`}
      <section class="panel person-sessions" aria-label=${SESSIONS.title}>
        <header><h2>${SESSIONS.title}</h2></header>
        <${Sessions} key=${`${person.id}-${ends}`} userId=${person.id} mayEnd=${isOwn || canChange} />
      </section>
    </div>
  </section>`;
}

function Facts({ person }) {
  const facts = [
    [PEOPLE.email, person.email],
    [PEOPLE.role, ROLES[person.role] ?? person.role],
    [PEOPLE.reach, reachInWords(person.camera_groups)],
    [PEOPLE.secondFactor, person.second_factor ? PEOPLE.secondFactorOn : PEOPLE.secondFactorOff],
    [PEOPLE.lastLogin, person.last_login_at ? moment(person.last_login_at) : PEOPLE.never],
    [PERSON.created, moment(person.created_at)],
  ];
  return html`<dl class="facts">${facts.map(([name, value]) => html`<div key=${name}><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`;
}

export const styles = ["style.css"];
