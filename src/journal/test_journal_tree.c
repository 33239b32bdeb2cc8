/* test_journal_tree.c: roots and proofs against RFC vectors and against a tree that is written the
 * way the RFC defines it, without any cleverness. */
#include "base/check.h"

#include <string.h>

#include <sodium.h>

#include "base/random.h"
#include "journal/tree.h"
#include "journal/tree_verify.h"

#define LEAVES_MAX 70
#define SIZE_MAX_MUTATED 64

static struct tree_hash from_hex(const char *hex)
{
	struct tree_hash hash;
	size_t length;
	int result = sodium_hex2bin(hash.bytes, sizeof hash.bytes, hex, strlen(hex), NULL, &length, NULL);
	assert_int_equal(result, 0);
	assert_int_equal(length, sizeof hash.bytes);
	return hash;
}

#define CHECK_HASH(found, wanted_hex)                                                             \
	do {                                                                                      \
		char text_[65];                                                                   \
		sodium_bin2hex(text_, sizeof text_, (found).bytes, TREE_HASH_BYTES);              \
		CHECK_TEXT(text_, wanted_hex);                                                    \
	} while (0)

/* A store in memory: rows as tree.h says, `forbidden` counts reads beyond `size`. */
struct rows {
	uint64_t size;
	unsigned reads;
	bool broken;
	struct tree_hash nodes[LEAVES_MAX][8];
	unsigned counts[LEAVES_MAX];
	struct tree_hash leaf[LEAVES_MAX];
};

static enum err rows_read(void *context, unsigned level, uint64_t index, struct tree_hash *ret_hash,
			  struct error *err)
{
	struct rows *rows = context;
	unsigned offset;
	uint64_t row = tree_row_of(level, index, &offset);
	rows->reads++;
	if (rows->broken)
		return error_set(err, ERR_IO, "could not read node");
	assert_true(row < rows->size);
	assert_true(offset / TREE_HASH_BYTES < rows->counts[row]);
	*ret_hash = rows->nodes[row][offset / TREE_HASH_BYTES];
	return OK;
}

static void rows_fill(struct rows *rows, struct tree *tree)
{
	*rows = (struct rows){ 0 };
	tree_init(tree);
	for (uint64_t i = 0; i < LEAVES_MAX; i++) {
		char text[16];
		int length = snprintf(text, sizeof text, "leaf %d", (int)i);
		struct tree_hash nodes[TREE_LEVELS];
		tree_leaf_hash((struct str){ text, (size_t)length }, &rows->leaf[i]);
		rows->counts[i] = tree_append(tree, &rows->leaf[i], nodes);
		memcpy(rows->nodes[i], nodes, rows->counts[i] * sizeof nodes[0]);
		rows->size++;
	}
}

/* MTH(D[n]), as RFC 6962 writes it. */
static struct tree_hash naive_root(const struct tree_hash *leaf, uint64_t count)
{
	struct tree_hash root;
	if (count == 0) {
		crypto_hash_sha256(root.bytes, NULL, 0);
		return root;
	}
	if (count == 1)
		return leaf[0];
	uint64_t split = 1;
	while (split * 2 < count)
		split *= 2;
	unsigned char both[65] = { 1 };
	struct tree_hash left = naive_root(leaf, split), right = naive_root(leaf + split, count - split);
	memcpy(both + 1, left.bytes, 32);
	memcpy(both + 33, right.bytes, 32);
	crypto_hash_sha256(root.bytes, both, sizeof both);
	return root;
}

/* PATH(m, D[n]), as RFC 6962 writes it. */
static void naive_path(const struct tree_hash *leaf, uint64_t index, uint64_t count,
		       struct tree_proof *proof)
{
	if (count <= 1)
		return;
	uint64_t split = 1;
	while (split * 2 < count)
		split *= 2;
	if (index < split) {
		naive_path(leaf, index, split, proof);
		proof->hash[proof->count++] = naive_root(leaf + split, count - split);
	} else {
		naive_path(leaf + split, index - split, count - split, proof);
		proof->hash[proof->count++] = naive_root(leaf, split);
	}
}

/* SUBPROOF(m, D[n], b), as RFC 6962 writes it. */
static void naive_subproof(const struct tree_hash *leaf, uint64_t old_size, uint64_t count,
			   bool known, struct tree_proof *proof)
{
	if (old_size == count) {
		if (!known)
			proof->hash[proof->count++] = naive_root(leaf, count);
		return;
	}
	uint64_t split = 1;
	while (split * 2 < count)
		split *= 2;
	if (old_size <= split) {
		naive_subproof(leaf, old_size, split, known, proof);
		proof->hash[proof->count++] = naive_root(leaf + split, count - split);
	} else {
		naive_subproof(leaf + split, old_size - split, count - split, false, proof);
		proof->hash[proof->count++] = naive_root(leaf, split);
	}
}

static void check_same_proof(const struct tree_proof *found, const struct tree_proof *wanted)
{
	CHECK_INT(found->count, wanted->count);
	for (unsigned i = 0; i < found->count; i++)
		CHECK(tree_hash_eq(&found->hash[i], &wanted->hash[i]));
}

TEST(hashes_are_those_of_the_rfc)
{
	struct tree tree;
	struct tree_hash hash, left, right;
	tree_init(&tree);
	tree_root(&tree, &hash);
	CHECK_HASH(hash, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	tree_leaf_hash(STR_NONE, &hash);
	CHECK_HASH(hash, "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d");
	tree_leaf_hash(STR("L123456"), &hash);
	CHECK_HASH(hash, "395aa064aa4c29f7010acfe3f25db9485bbd4b91897b6ad7ad547639252b4d56");
	/* Known for nodes of free length; ours are 32 bytes, so this one is made by hand. */
	crypto_hash_sha256(hash.bytes, (const unsigned char *)"\x01N123N456", 9);
	CHECK_HASH(hash, "aa217fe888e47007fa15edab33c2b492a722cb106c64667fc2b044444de66bbb");
	left = right = from_hex("6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d");
	tree_node_hash(&left, &right, &hash);
	unsigned char forged[65] = { 1 }; /* second preimage: a leaf that spells out a node */
	memcpy(forged + 1, left.bytes, 32);
	memcpy(forged + 33, right.bytes, 32);
	struct tree_hash leaf;
	tree_leaf_hash((struct str){ (char *)forged + 1, 64 }, &leaf);
	CHECK(!tree_hash_eq(&leaf, &hash));
}

TEST(reference_roots_of_eight_leaves_come_out)
{
	static const char *const wanted[] = {
		"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
		"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
		"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
		"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
		"4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
		"76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
		"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
		"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
	};
	static const struct str leaves[] = {
		{ NULL, 0 }, { "\x00", 1 }, { "\x10", 1 }, { "\x20\x21", 2 }, { "\x30\x31", 2 },
		{ "@ABC", 4 }, { "PQRSTUVW", 8 }, { "`abcdefghijklmno", 16 },
	};
	struct tree tree;
	tree_init(&tree);
	for (unsigned i = 0; i < 8; i++) {
		struct tree_hash leaf, root, nodes[TREE_LEVELS];
		tree_leaf_hash(leaves[i], &leaf);
		tree_append(&tree, &leaf, nodes);
		tree_root(&tree, &root);
		CHECK_HASH(root, wanted[i]);
	}
}

TEST(the_root_of_every_size_equals_the_naive_one_and_can_be_found_again_later)
{
	struct rows rows;
	struct tree tree, again;
	struct error err;
	rows_fill(&rows, &tree);
	struct tree_reader reader = { rows_read, &rows };
	for (uint64_t size = 0; size <= LEAVES_MAX; size++) {
		struct tree_hash wanted = naive_root(rows.leaf, size), found;
		CHECK_OK(tree_root_at(&reader, size, &found, &err));
		CHECK(tree_hash_eq(&found, &wanted));
		CHECK_OK(tree_open(&reader, size, &again, &err));
		tree_root(&again, &found);
		CHECK(tree_hash_eq(&found, &wanted));
		if (size < LEAVES_MAX) { /* a reopened tree goes on as if it had never been closed */
			struct tree_hash nodes[TREE_LEVELS];
			CHECK_INT(tree_append(&again, &rows.leaf[size], nodes), rows.counts[size]);
			CHECK(memcmp(nodes, rows.nodes[size], rows.counts[size] * sizeof nodes[0]) == 0);
		}
	}
}

TEST(rows_cost_two_nodes_a_leaf)
{
	struct rows rows;
	struct tree tree;
	rows_fill(&rows, &tree);
	unsigned nodes = 0;
	for (unsigned i = 0; i < 64; i++)
		nodes += rows.counts[i];
	CHECK_INT(nodes, 127);
	unsigned offset;
	CHECK_INT(tree_row_of(0, 5, &offset), 5);
	CHECK_INT(offset, 0);
	CHECK_INT(tree_row_of(3, 1, &offset), 15);
	CHECK_INT(offset, 96);
}

TEST(proofs_equal_those_of_the_rfc_text_and_verify)
{
	struct rows rows;
	struct tree tree;
	struct error err;
	rows_fill(&rows, &tree);
	struct tree_reader reader = { rows_read, &rows };
	for (uint64_t size = 1; size <= LEAVES_MAX; size++) {
		struct tree_hash root = naive_root(rows.leaf, size);
		for (uint64_t m = 0; m < size; m++) {
			struct tree_proof found, wanted = { 0 };
			CHECK_OK(tree_prove_inclusion(&reader, m, size, &found, &err));
			naive_path(rows.leaf, m, size, &wanted);
			check_same_proof(&found, &wanted);
			CHECK(tree_verify_inclusion(&rows.leaf[m], m, size, &root, found.hash,
						    found.count));
			struct tree_hash old_root = naive_root(rows.leaf, m);
			CHECK_OK(tree_prove_consistency(&reader, m, size, &found, &err));
			wanted.count = 0;
			if (m > 0)
				naive_subproof(rows.leaf, m, size, true, &wanted);
			check_same_proof(&found, &wanted);
			CHECK(tree_verify_consistency(m, &old_root, size, &root, found.hash,
						      found.count));
		}
	}
}

/* One proof with everything that can be wrong in it; `holds` runs the verifier on the case. */
struct mutant {
	uint64_t a, b; /* index and size, or old and new size */
	struct tree_hash first, root;
	struct tree_proof proof;
};

typedef bool holds_fn(const struct mutant *mutant);

static bool inclusion_holds(const struct mutant *m)
{
	return tree_verify_inclusion(&m->first, m->a, m->b, &m->root, m->proof.hash, m->proof.count);
}

static bool consistency_holds(const struct mutant *m)
{
	return tree_verify_consistency(m->a, &m->first, m->b, &m->root, m->proof.hash,
				       m->proof.count);
}

static void refuse(holds_fn *holds, const struct mutant *mutant, const struct mutant *good,
		   const char *what)
{
	if (holds(mutant))
		fail_msg("%s of (%d, %d) was accepted", what, (int)good->a, (int)good->b);
}

static void refuse_numbers(holds_fn *holds, const struct mutant *good)
{
	const uint64_t a[] = { good->a + 1, good->a - 1, good->a ^ 2, UINT64_MAX };
	for (unsigned i = 0; i < 4; i++) {
		struct mutant bad = *good;
		bad.a = a[i];
		refuse(holds, &bad, good, "a wrong first number");
	}
}

static void refuse_roots(holds_fn *holds, const struct mutant *good, struct random *random)
{
	struct mutant bad = *good;
	crypto_hash_sha256(bad.root.bytes, NULL, 0);
	refuse(holds, &bad, good, "the empty root");
	random_fill(random, bad.root.bytes, sizeof bad.root.bytes);
	refuse(holds, &bad, good, "a random root");
	bad = *good;
	bad.root.bytes[random_below(random, 32)] ^= (unsigned char)(1u << random_below(random, 8));
	refuse(holds, &bad, good, "a root with one bit changed");
	bad = *good;
	bad.first.bytes[random_below(random, 32)] ^= (unsigned char)(1u << random_below(random, 8));
	refuse(holds, &bad, good, "a first hash with one bit changed");
}

static void refuse_hashes(holds_fn *holds, const struct mutant *good, struct random *random)
{
	const struct tree_proof *proof = &good->proof;
	for (unsigned i = 0; i < proof->count; i++) {
		struct mutant bad = *good;
		bad.proof.hash[i].bytes[random_below(random, 32)] ^=
			(unsigned char)(1u << random_below(random, 8));
		refuse(holds, &bad, good, "a proof with one bit changed");
		bad = *good;
		memmove(&bad.proof.hash[i], &bad.proof.hash[i + 1],
			(proof->count - i - 1) * sizeof bad.root);
		bad.proof.count--;
		refuse(holds, &bad, good, "a proof without one node");
	}
	for (unsigned i = 0; i <= proof->count; i++) {
		struct mutant bad = *good;
		memmove(&bad.proof.hash[i + 1], &bad.proof.hash[i],
			(proof->count - i) * sizeof bad.root);
		random_fill(random, bad.proof.hash[i].bytes, 32);
		bad.proof.count++;
		refuse(holds, &bad, good, "a proof with a node too many");
		bad.proof.hash[i] = good->root;
		refuse(holds, &bad, good, "a proof with the root put in");
		bad.proof.hash[i] = good->first;
		refuse(holds, &bad, good, "a proof with the first hash put in");
	}
}

TEST(wrong_inclusion_proofs_are_refused_in_all_trees_up_to_64)
{
	struct rows rows;
	struct tree tree;
	struct error err;
	struct random random;
	rows_fill(&rows, &tree);
	random_seeded(&random, 6962);
	struct tree_reader reader = { rows_read, &rows };
	for (uint64_t size = 1; size <= SIZE_MAX_MUTATED; size++)
		for (uint64_t index = 0; index < size; index++) {
			struct mutant good = { index, size, rows.leaf[index],
					       naive_root(rows.leaf, size), { 0 } };
			CHECK_OK(tree_prove_inclusion(&reader, index, size, &good.proof, &err));
			CHECK(inclusion_holds(&good));
			refuse_numbers(inclusion_holds, &good);
			refuse_roots(inclusion_holds, &good, &random);
			refuse_hashes(inclusion_holds, &good, &random);
			struct mutant bad = good;
			bad.b = 0;
			refuse(inclusion_holds, &bad, &good, "an empty tree");
			bad.a = 0, bad.b = 1;
			if (size > 1)
				refuse(inclusion_holds, &bad, &good, "a tree of this leaf alone");
			bad.a = index;
			/* A wrong size can leave the path's shape as it is; then only the root, which
			 * stands beside the size in a checkpoint, tells. */
			bad.b = size * 2;
			struct tree_proof other;
			if (bad.b <= LEAVES_MAX) {
				CHECK_OK(tree_prove_inclusion(&reader, index, bad.b, &other, &err));
				if (other.count != good.proof.count)
					refuse(inclusion_holds, &bad, &good, "twice the size");
			}
			bad.b = size / 2;
			if (index >= bad.b)
				refuse(inclusion_holds, &bad, &good, "half the size");
		}
}

TEST(wrong_consistency_proofs_are_refused_in_all_trees_up_to_64)
{
	struct rows rows;
	struct tree tree;
	struct error err;
	struct random random;
	rows_fill(&rows, &tree);
	random_seeded(&random, 9162);
	struct tree_reader reader = { rows_read, &rows };
	for (uint64_t size = 2; size <= SIZE_MAX_MUTATED; size++)
		for (uint64_t old = 1; old < size; old++) {
			struct mutant good = { old, size, naive_root(rows.leaf, old),
					       naive_root(rows.leaf, size), { 0 } };
			CHECK_OK(tree_prove_consistency(&reader, old, size, &good.proof, &err));
			CHECK(consistency_holds(&good));
			refuse_roots(consistency_holds, &good, &random);
			refuse_hashes(consistency_holds, &good, &random);
			struct mutant bad = good;
			bad.first = good.root;
			bad.root = good.first;
			refuse(consistency_holds, &bad, &good, "swapped roots");
			bad = good;
			bad.a = 0;
			refuse(consistency_holds, &bad, &good, "old size 0");
			bad.a = size + 1;
			refuse(consistency_holds, &bad, &good, "an old size past the new");
			bad.a = bad.b = size;
			refuse(consistency_holds, &bad, &good, "equal sizes with a proof");
			bad.proof.count = 0;
			refuse(consistency_holds, &bad, &good, "equal sizes with two roots");
			bad.proof.count = good.proof.count;
			bad.first = bad.root;
			refuse(consistency_holds, &bad, &good, "equal trees with a proof");
			bad = good;
			bad.proof.count = 0;
			refuse(consistency_holds, &bad, &good, "no proof");
		}
}

TEST(a_tree_that_was_rewritten_has_no_proof_from_the_old_one)
{
	struct rows rows;
	struct tree tree;
	struct error err;
	rows_fill(&rows, &tree);
	struct tree_reader reader = { rows_read, &rows };
	struct tree_hash old_root = naive_root(rows.leaf, 13);
	tree_leaf_hash(STR("another past"), &rows.leaf[7]);
	struct tree forged;
	tree_init(&forged);
	for (unsigned i = 0; i < 40; i++) {
		struct tree_hash nodes[TREE_LEVELS];
		tree_append(&forged, &rows.leaf[i], nodes);
		memcpy(rows.nodes[i], nodes, rows.counts[i] * sizeof nodes[0]);
	}
	struct tree_hash new_root;
	tree_root(&forged, &new_root);
	struct tree_proof proof;
	CHECK_OK(tree_prove_consistency(&reader, 13, 40, &proof, &err));
	CHECK(!tree_verify_consistency(13, &old_root, 40, &new_root, proof.hash, proof.count));
}

TEST(impossible_numbers_and_a_failing_store_are_told_and_change_nothing)
{
	struct rows rows;
	struct tree tree, untouched = { .size = 77 };
	struct error err;
	struct tree_proof proof = { .count = 99 };
	struct tree_hash root = { { 7 } };
	rows_fill(&rows, &tree);
	struct tree_reader reader = { rows_read, &rows };
	CHECK_ERR(tree_prove_inclusion(&reader, 5, 5, &proof, &err), ERR_INVALID);
	CHECK_TEXT(err.text, "a tree of 5 leaves cannot hold leaf 5");
	CHECK_ERR(tree_prove_inclusion(&reader, 0, 0, &proof, &err), ERR_INVALID);
	CHECK_ERR(tree_prove_inclusion(&reader, 0, TREE_SIZE_MAX + 1, &proof, &err), ERR_INVALID);
	CHECK_ERR(tree_prove_consistency(&reader, 6, 5, &proof, &err), ERR_INVALID);
	CHECK_ERR(tree_open(&reader, UINT64_MAX, &untouched, &err), ERR_INVALID);
	CHECK_INT(rows.reads, 0);
	rows.broken = true;
	CHECK_ERR(tree_prove_inclusion(&reader, 3, 9, &proof, &err), ERR_IO);
	CHECK_ERR(tree_prove_consistency(&reader, 3, 9, &proof, &err), ERR_IO);
	CHECK_ERR(tree_root_at(&reader, 9, &root, &err), ERR_IO);
	CHECK_ERR(tree_open(&reader, 9, &untouched, &err), ERR_IO);
	CHECK_INT(proof.count, 99);
	CHECK_INT(root.bytes[0], 7);
	CHECK_INT(untouched.size, 77);
}

TEST(the_largest_tree_is_proved_within_the_limits)
{
	struct tree_hash same = { { 1 } }, root, levels[TREE_LEVELS];
	struct tree tree = { .size = TREE_SIZE_MAX };
	for (unsigned level = 0; level < TREE_LEVELS; level++) {
		tree.peak[level] = level == 0 ? same : levels[level - 1];
		tree_node_hash(&tree.peak[level], &tree.peak[level], &levels[level]);
	}
	tree_root(&tree, &root);
	/* The last leaf stands alone on the right edge: its partners are all the peaks above. */
	CHECK(tree_verify_inclusion(&same, TREE_SIZE_MAX - 1, TREE_SIZE_MAX, &root, &tree.peak[1],
				    TREE_LEVELS - 1));
	CHECK(!tree_verify_inclusion(&same, TREE_SIZE_MAX - 2, TREE_SIZE_MAX, &root, &tree.peak[1],
				     TREE_LEVELS - 1));
}

TESTS(RUN(hashes_are_those_of_the_rfc), RUN(reference_roots_of_eight_leaves_come_out),
      RUN(the_root_of_every_size_equals_the_naive_one_and_can_be_found_again_later),
      RUN(rows_cost_two_nodes_a_leaf), RUN(proofs_equal_those_of_the_rfc_text_and_verify),
      RUN(wrong_inclusion_proofs_are_refused_in_all_trees_up_to_64),
      RUN(wrong_consistency_proofs_are_refused_in_all_trees_up_to_64),
      RUN(a_tree_that_was_rewritten_has_no_proof_from_the_old_one),
      RUN(impossible_numbers_and_a_failing_store_are_told_and_change_nothing),
      RUN(the_largest_tree_is_proved_within_the_limits))
