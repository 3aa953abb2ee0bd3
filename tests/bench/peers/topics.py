"""Latent Dirichlet allocation at equal passes: documents per second, and held-out likelihood.

20,000 documents of about 100 words, 5,000 words in the vocabulary, 50 topics, drawn from the model
itself. Everybody learns by stochastic variational Bayes from the same documents, in batches of about
500, and every set of topics is scored by the same judge: for 1,000 documents kept aside, proportions
are fitted to one half of the words and the other half is scored.
"""

import os
import time

import numpy as np

from bayesum_run import Run

DOCUMENTS, KEPT, WORDS, TOPICS, PASSES, BATCH = 20_000, 1_000, 5_000, 50, 2, 500
ALPHA, ETA, OFFSET, POWER = 0.1, 0.02, 64, 0.7


def make_documents():
    noise = np.random.default_rng(1)
    topics = noise.dirichlet(np.full(WORDS, ETA), TOPICS)
    documents = []
    for _ in range(DOCUMENTS + KEPT):
        mixture = noise.dirichlet(np.full(TOPICS, ALPHA)) @ topics
        counts = noise.multinomial(noise.poisson(100) + 2, mixture / mixture.sum())
        words = np.flatnonzero(counts)
        documents.append((words, counts[words]))
    return topics, documents


def write_libsvm(path, documents):
    with open(path, "w") as file:
        for words, counts in documents:
            file.write("0 " + " ".join(f"{w + 1}:{c}" for w, c in zip(words, counts)) + "\n")


def split(words, counts):
    """The two halves of a document's tokens: every other one, in the order of the words."""
    tokens = np.repeat(words, counts)
    return tokens[::2], tokens[1::2]


def held_out(topics, documents):
    """Mean log-likelihood per word of the second halves, by maximum a posteriori proportions."""
    topics = np.maximum(topics / topics.sum(axis=1, keepdims=True), 1e-12)
    total = count = 0
    for words, counts in documents:
        seen, scored = split(words, counts)
        chances = topics[:, seen]
        share = np.full(len(topics), 1 / len(topics))
        for _ in range(50):
            joint = share[:, None] * chances
            share = (joint / joint.sum(axis=0)).sum(axis=1) + ALPHA
            share /= share.sum()
        total += np.log(share @ topics[:, scored]).sum()
        count += len(scored)
    return total / count


def by_bayesum(args, documents, flags=()):
    path = os.path.join(args.folder, "documents.libsvm")
    write_libsvm(path, documents)
    shards = DOCUMENTS // BATCH * args.threads
    toml = f"""
[data]
path = "{path}"
virtual_shards = {shards}
shards_per_step = {args.threads}
[model]
name = "lda"
topics = {TOPICS}
[prior]
document_concentration = {ALPHA}
topic_concentration = {ETA}
[rule]
name = "blr"
rho = {OFFSET ** -POWER}
schedule = "power"
schedule_offset = {OFFSET}
schedule_power = {POWER}
[stop]
steps = {PASSES * DOCUMENTS // BATCH}
"""
    run = Run(args.program, args.folder, "topics", toml, threads=args.threads, flags=flags)
    topics = np.zeros((TOPICS, WORDS))
    found = np.stack([run.tensor(f"mean.topic.{k}") for k in range(1, TOPICS + 1)])
    topics[:, : found.shape[1]] = found
    # The last report is of the end, after one more reading of all documents.
    return run.steps[-2]["seconds"], topics


def by_bayesum_as_gensim(args, documents):
    """Documents are resolved no further than gensim does: 50 steps, or moves of 1e-3 words."""
    return by_bayesum(args, documents,
                      ("--model.local_steps", "50", "--model.local_tolerance", "1e-5"))


def by_gensim(args, documents):
    from gensim.models import LdaModel
    corpus = [list(zip(words.tolist(), counts.tolist())) for words, counts in documents]
    began = time.perf_counter()
    peer = LdaModel(corpus, num_topics=TOPICS, id2word={w: str(w) for w in range(WORDS)},
                    chunksize=BATCH, passes=PASSES, alpha=[ALPHA] * TOPICS, eta=ETA, offset=OFFSET,
                    decay=POWER, eval_every=0, random_state=1)
    return time.perf_counter() - began, peer.get_topics()


def by_scikit_learn(args, documents):
    from scipy.sparse import csr_matrix
    from sklearn.decomposition import LatentDirichletAllocation
    rows = np.repeat(np.arange(len(documents)), [len(words) for words, _ in documents])
    matrix = csr_matrix((np.concatenate([counts for _, counts in documents]).astype(float),
                         (rows, np.concatenate([words for words, _ in documents]))),
                        shape=(len(documents), WORDS))
    peer = LatentDirichletAllocation(TOPICS, doc_topic_prior=ALPHA, topic_word_prior=ETA,
                                     learning_method="online", learning_offset=OFFSET,
                                     learning_decay=POWER, batch_size=BATCH, max_iter=PASSES,
                                     n_jobs=args.threads, random_state=1)
    began = time.perf_counter()
    peer.fit(matrix)
    return time.perf_counter() - began, peer.components_


def compare(args):
    truth, documents = make_documents()
    training, kept = documents[:DOCUMENTS], documents[DOCUMENTS:]
    table = [("", "seconds", "documents per second", "held-out log-likelihood per word")]
    for name, fit in (("bayesum", by_bayesum),
                      ("bayesum, documents resolved as by gensim", by_bayesum_as_gensim),
                      ("gensim", by_gensim), ("scikit-learn", by_scikit_learn)):
        try:
            seconds, topics = fit(args, training)
        except ImportError:
            table.append((f"{name}: not installed, skipped", "", "", ""))
            continue
        table.append((name, f"{seconds:.1f}", f"{PASSES * DOCUMENTS / seconds:.0f}",
                      f"{held_out(topics, kept):.4f}"))
    table.append(("the topics that the documents were drawn from", "", "", f"{held_out(truth, kept):.4f}"))
    return table
