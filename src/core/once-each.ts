// Answers that are worked out once for each question.

/** Where answers are kept: a Map, or a WeakMap for questions that are objects and whose answers nobody needs after them. */
interface Memory<Question, Answer> {
  has(question: Question): boolean;
  get(question: Question): Answer | undefined;
  set(question: Question, answer: Answer): unknown;
}

/** `work` with a memory: the same argument, by identity, gets the same answer again. */
export function onceEach<Question, Answer>(
  work: (question: Question) => Answer,
  known: Memory<Question, Answer> = new Map<Question, Answer>(),
): (question: Question) => Answer {
  return (question) => {
    if (!known.has(question)) known.set(question, work(question));
    return known.get(question) as Answer;
  };
}
