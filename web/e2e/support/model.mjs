// A language model server of our own that speaks the OpenAI protocol: it marks the first words of each
// utterance as evidence, gives level 3 first and level 4 when it is asked again, level 5 to an answer with Kafka in it,
// says one strength, and asks why the longest word was said, for which it takes as long as it is told to. It listens on
// loopback.
import { once } from "node:events";
import { createServer } from "node:http";
import { setTimeout as after } from "node:timers/promises";

export async function startModel({ followUpAfter = 0 } = {}) {
  const asked = [];
  const server = createServer(async (request, answer) => {
    let text = "";
    for await (const piece of request) text += piece;
    if (!request.url.endsWith("/chat/completions")) return answer.writeHead(404).end("{}");
    const body = JSON.parse(text);
    asked.push(body);
    const question = JSON.parse(body.messages.at(-1).content);
    if (isFollowUp(question)) await after(followUpAfter);
    stream(answer, JSON.stringify(reply(question)));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    address: `http://127.0.0.1:${server.address().port}/v1`,
    asked,
    stop: () => new Promise((done) => server.close(done)),
  };
}

/** A follow-up is asked for with the names of competencies; whatever else is asked has them in full. */
const isFollowUp = (question) => typeof question.competencies?.[0] === "string";

function reply(question) {
  if (isFollowUp(question)) return followUp(question);
  if (question.words) return evidence(question);
  if (question.counted) return advice();
  if (JSON.stringify(question).includes("Kafka")) return rating(5); // nobody in these recordings says it
  return rating(question.said ? 4 : 3); // a second rating is asked under other names
}

export const followUpWords = /^Why did you mention the word \p{L}+\?$/u;

function followUp(question) {
  const words = question.said[0].words.split(" ").map((word) => word.replace(/^\d+:/, "").replace(/[^\p{L}]/gu, ""));
  const longest = words.reduce((a, b) => (b.length > a.length ? b : a));
  const at = words.indexOf(longest);
  return { about: { utterance: 0, first: at, last: at }, question: `Why did you mention the word ${longest}?` };
}

function advice() {
  const strength = { text: "You say which part you built.", marked: [0], counted: ["words"] };
  const unfounded = { text: "You sound confident.", marked: [0], counted: [] };
  return { strengths: [strength, unfounded], gaps: [], drill: [] };
}

function evidence(question) {
  const last = Math.min(5, question.words.split(" ").length - 1);
  return { evidence: [{ competency: question.competencies[0].id, first: 0, last, polarity: "supports", part: "action" }] };
}

function rating(level) {
  return { observed: true, level, why_not_higher: "What was changed afterwards is not said.", why_not_lower: "What was done is said." };
}

function stream(answer, content) {
  answer.writeHead(200, { "Content-Type": "text/event-stream" });
  const chunk = (delta, finish_reason = null) =>
    answer.write(`data: ${JSON.stringify({ id: "1", object: "chat.completion.chunk", created: 1, model: "test", choices: [{ index: 0, delta, finish_reason }] })}\n\n`);
  for (const piece of content.match(/.{1,20}/g)) chunk({ content: piece });
  chunk({}, "stop");
  answer.end("data: [DONE]\n\n");
}
