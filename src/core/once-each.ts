// Answers that are worked out once for each question.

/** `work` with a memory: the same argument, by identity, gets the same answer again. */
export function onceEach<Question, Answer>(work: (question: Question) => Answer): (question: Question) => Answer {
  const known = new Map<Question, Answer>();
  return (question) => {
    if (!known.has(question)) known.set(question, work(question));
    return known.get(question) as Answer;
  };
}
