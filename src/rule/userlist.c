/* SPDX-License-Identifier: MIT */
/*
 * Users, passwords, groups. crypt(3) is slow on purpose, and a browser sends its password with every request: so a
 * hashed password that was right once is remembered, as a keyed digest under a key that the process draws at its
 * start. Wrong ones are not: each guess costs its full price. Nothing is kept in clear but what the configuration
 * says in clear.
 */
#include "userlist.h"

#include <openssl/crypto.h>
#include <openssl/hmac.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/random.h>
#ifdef USE_CRYPT
#include <crypt.h>
#endif

#include "weir/base/hash32.h"

#define PASSWORD_MAX 512
#define KEY_LENGTH   32

struct group_ref {
	struct group_ref *next;
	const char *name;
	struct conf_pos pos;
};

struct user {
	struct user *next;
	const char *name;
	const char *password; /* NULL: none, nobody can be this user */
	bool hashed;
	unsigned groups_n;
	const char **groups;	      /* once the section is read */
	struct group_ref *group_refs; /* as its own line names them */
	/*
	 * The digest of the password that matched, in two halves; written by any worker without a lock, for all
	 * of them would write the same. 0: none yet.
	 */
	_Atomic uint64_t proved[2];
};

/* A group and the users that its line names. */
struct group {
	struct group *next;
	const char *name;
	struct group_ref *users;
};

struct userlist {
	struct userlist *next;
	const char *name;
	bool defined;
	struct conf_pos pos; /* of the section, or of the first line that names it */
	struct user *users, **users_last;
	struct group *groups;
};

/* ---- reading ---- */

static struct userlist *find_list(struct conf *conf, const char *name)
{
	struct userlist *l = *(struct userlist **)conf_slot(conf, CONF_SLOT_USERLISTS);
	while (l && strcmp(l->name, name) != 0)
		l = l->next;
	return l;
}

struct userlist *userlist_named(
    struct conf *conf, const struct conf_line *line, int arg, const char *name)
{
	struct userlist **head = (struct userlist **)conf_slot(conf, CONF_SLOT_USERLISTS);
	struct userlist *l = find_list(conf, name);
	if (l)
		return l;
	l = arena_new(conf_arena(conf), struct userlist);
	char *copy = arena_strdup(conf_arena(conf), name);
	if (!l || !copy) {
		conf_error(conf, line, arg, "out of memory");
		return NULL;
	}
	*l = (struct userlist){ .next = *head, .name = copy, .pos = line->pos };
	l->users_last = &l->users;
	*head = l;
	return l;
}

static int add_ref(struct conf *conf, const struct conf_line *line, int arg,
    struct group_ref **head, const char *name)
{
	struct group_ref *ref = arena_new(conf_arena(conf), struct group_ref);
	char *copy = arena_strdup(conf_arena(conf), name);
	if (!ref || !copy) {
		conf_error(conf, line, arg, "out of memory");
		return -1;
	}
	*ref = (struct group_ref){ *head, copy, line->pos };
	*head = ref;
	return 0;
}

/* "a,b,c" */
static int add_refs(
    struct conf *conf, const struct conf_line *line, int arg, struct group_ref **head)
{
	struct slice rest = slice_str(line->argv[arg]);
	while (rest.ptr) {
		struct slice one = slice_cut(&rest, ',');
		char name[256];
		if (!one.len)
			continue;
		snprintf(name, sizeof(name), "%.*s", SLICE_ARG(one));
		if (add_ref(conf, line, arg, head, name) < 0)
			return -1;
	}
	return 0;
}

static void *open_userlist(const struct conf_call *call)
{
	const char *name = call->line->argv[call->arg];
	struct userlist *before = find_list(call->conf, name);
	if (call->arg >= call->line->argc) {
		conf_error(call->conf, call->line, call->arg, "'userlist' expects a name");
		return NULL;
	}
	struct userlist *l = userlist_named(call->conf, call->line, call->arg, name);
	if (!l)
		return NULL;
	if (before && before->defined) {
		conf_warning(
		    call->conf, call->line, call->arg, "ignoring duplicated userlist '%s'", name);
		/* its lines are checked and dropped */
		l = arena_new(conf_arena(call->conf), struct userlist);
		if (l)
			l->users_last = &l->users;
		return l;
	}
	l->defined = true;
	l->pos = call->line->pos;
	return l;
}

static int set_group(const struct conf_call *call)
{
	struct userlist *l = call->object;
	struct conf *conf = call->conf;
	const struct conf_line *line = call->line;
	for (const struct group *g = l->groups; g; g = g->next) {
		if (strcmp(g->name, line->argv[call->arg]) == 0) {
			conf_warning(
			    conf, line, call->arg, "ignoring duplicated group '%s'", g->name);
			return 0;
		}
	}
	struct group *g = arena_new(conf_arena(conf), struct group);
	if (!g || !(g->name = arena_strdup(conf_arena(conf), line->argv[call->arg]))) {
		conf_error(conf, line, call->arg, "out of memory");
		return -1;
	}
	for (int i = call->arg + 1; i < line->argc; i += 2) {
		if (strcmp(line->argv[i], "users") != 0 || i + 1 >= line->argc) {
			conf_error(conf, line, i, "'group' expects 'users <user>,...', not '%s'",
			    line->argv[i]);
			return -1;
		}
		if (add_refs(conf, line, i + 1, &g->users) < 0)
			return -1;
	}
	g->next = l->groups;
	l->groups = g;
	return 0;
}

#ifdef USE_CRYPT
/* Whether crypt(3) makes of password what hash says. False too when it does not know the method. */
static bool hash_matches(const char *password, const char *hash)
{
	struct crypt_data *data = calloc(1, sizeof(*data));
	const char *got = data ? crypt_r(password, hash, data) : NULL;
	size_t len = strlen(hash);
	bool same =
	    got && got[0] != '*' && strlen(got) == len && CRYPTO_memcmp(got, hash, len) == 0;
	OPENSSL_cleanse(data, data ? sizeof(*data) : 0);
	free(data);
	return same;
}

static bool hash_is_known(const char *hash)
{
	int known = crypt_checksalt(hash);
	return known != CRYPT_SALT_INVALID && known != CRYPT_SALT_METHOD_DISABLED;
}
#else
static bool hash_matches(const char *password, const char *hash)
{
	return false;
}

static bool hash_is_known(const char *hash)
{
	return false;
}
#endif

/* The words behind the name; moves *arg. 0 or -1, told. */
static int user_option(const struct conf_call *call, struct user *u, int *arg)
{
	const struct conf_line *line = call->line;
	const char *word = line->argv[*arg];
	bool hashed = strcmp(word, "password") == 0;
	if (*arg + 1 >= line->argc) {
		conf_error(call->conf, line, *arg,
		    "'user': '%s' is incomplete or unknown; known are "
		    "password, insecure-password and groups",
		    word);
		return -1;
	}
	++*arg;
	if (strcmp(word, "groups") == 0)
		return add_refs(call->conf, line, *arg, &u->group_refs);
	if (!hashed && strcmp(word, "insecure-password") != 0) {
		conf_error(call->conf, line, *arg - 1,
		    "'user' knows password, insecure-password and groups, not '%s'", word);
		return -1;
	}
	u->hashed = hashed;
	u->password = arena_strdup(conf_arena(call->conf), line->argv[*arg]);
	if (hashed && !hash_is_known(line->argv[*arg]))
		conf_warning(call->conf, line, *arg,
		    "user '%s': no password will match, this is no hash of a method that crypt(3) "
		    "knows",
		    u->name);
	return u->password ? 0 : -1;
}

static int set_user(const struct conf_call *call)
{
	struct userlist *l = call->object;
	const struct conf_line *line = call->line;
	for (const struct user *u = l->users; u; u = u->next) {
		if (strcmp(u->name, line->argv[call->arg]) == 0) {
			conf_warning(
			    call->conf, line, call->arg, "ignoring duplicated user '%s'", u->name);
			return 0;
		}
	}
	struct user *u = arena_new(conf_arena(call->conf), struct user);
	if (!u || !(u->name = arena_strdup(conf_arena(call->conf), line->argv[call->arg]))) {
		conf_error(call->conf, line, call->arg, "out of memory");
		return -1;
	}
	for (int i = call->arg + 1; i < line->argc; i++) {
		if (user_option(call, u, &i) < 0)
			return -1;
	}
	*l->users_last = u;
	l->users_last = &u->next;
	return 0;
}

/* ---- the end of the files ---- */

static struct group *find_group(const struct userlist *l, const char *name)
{
	struct group *g = l->groups;
	while (g && strcmp(g->name, name) != 0)
		g = g->next;
	return g;
}

static bool names(const struct group_ref *ref, const char *name)
{
	for (; ref; ref = ref->next) {
		if (strcmp(ref->name, name) == 0)
			return true;
	}
	return false;
}

static bool is_user(const struct userlist *l, const char *name)
{
	for (const struct user *u = l->users; u; u = u->next) {
		if (strcmp(u->name, name) == 0)
			return true;
	}
	return false;
}

static int no_such(
    struct conf *conf, const struct userlist *l, const struct group_ref *ref, const char *what)
{
	diag_add(conf_diag(conf), DIAG_ERROR, ref->pos, "userlist '%s': no such %s '%s'", l->name,
	    what, ref->name);
	return -1;
}

static int check_groups(struct conf *conf, const struct userlist *l, const struct group_ref *ref)
{
	int r = 0;
	for (; ref; ref = ref->next) {
		if (!find_group(l, ref->name))
			r = no_such(conf, l, ref, "group");
	}
	return r;
}

/* Users and groups name each other from both sides. */
static int join_groups(struct conf *conf, const struct userlist *l, struct user *u)
{
	unsigned n = 0;
	for (const struct group *g = l->groups; g; g = g->next)
		n++;
	u->groups = arena_array(conf_arena(conf), const char *, n + 1);
	if (!u->groups)
		return -1;
	for (const struct group *g = l->groups; g; g = g->next) {
		if (names(g->users, u->name) || names(u->group_refs, g->name))
			u->groups[u->groups_n++] = g->name;
	}
	return check_groups(conf, l, u->group_refs);
}

static int finish_list(struct conf *conf, struct userlist *l)
{
	int r = 0;
	if (!l->defined) {
		diag_add(
		    conf_diag(conf), DIAG_ERROR, l->pos, "unable to find userlist '%s'", l->name);
		return -1;
	}
	for (const struct group *g = l->groups; g; g = g->next) {
		for (const struct group_ref *ref = g->users; ref; ref = ref->next) {
			if (!is_user(l, ref->name))
				r = no_such(conf, l, ref, "user");
		}
	}
	for (struct user *u = l->users; u; u = u->next) {
		if (join_groups(conf, l, u) < 0)
			r = -1;
	}
	return r;
}

int userlists_finish(struct conf *conf)
{
	int r = 0;
	struct userlist *l = *(struct userlist **)conf_slot(conf, CONF_SLOT_USERLISTS);
	for (; l; l = l->next) {
		if (finish_list(conf, l) < 0)
			r = -1;
	}
	return r;
}

/* ---- looking people up ---- */

static unsigned char digest_key[KEY_LENGTH]; /* drawn once, then only read */
static bool digest_key_drawn;

static void draw_key(void)
{
	digest_key_drawn = getrandom(digest_key, sizeof(digest_key), 0) == sizeof(digest_key);
}

/* Of the password and the hash that it has to match. False: nothing can be remembered. */
static bool digest(const struct user *u, struct slice password, uint64_t ret[2])
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	unsigned char text[PASSWORD_MAX + 256], md[EVP_MAX_MD_SIZE];
	size_t hash_len = strlen(u->password);
	unsigned len;
	pthread_once(&once, draw_key);
	if (!digest_key_drawn || hash_len + password.len > sizeof(text))
		return false;
	memcpy(text, u->password, hash_len);
	if (password.len)
		memcpy(text + hash_len, password.ptr, password.len);
	bool done = HMAC(EVP_sha256(), digest_key, sizeof(digest_key), text,
			hash_len + password.len, md, &len) != NULL;
	OPENSSL_cleanse(text, sizeof(text));
	memcpy(ret, md, 2 * sizeof(*ret));
	return done && (ret[0] | ret[1]);
}

static bool check_hashed(struct user *u, struct slice password)
{
	uint64_t got[2];
	char text[PASSWORD_MAX];
	bool can_keep = digest(u, password, got);
	if (can_keep && !((got[0] ^ atomic_load_explicit(&u->proved[0], memory_order_relaxed)) |
			    (got[1] ^ atomic_load_explicit(&u->proved[1], memory_order_relaxed))))
		return true;
	memcpy(text, password.ptr, password.len);
	text[password.len] = '\0';
	bool right = hash_matches(text, u->password);
	OPENSSL_cleanse(text, sizeof(text));
	if (right && can_keep) {
		atomic_store_explicit(&u->proved[0], got[0], memory_order_relaxed);
		atomic_store_explicit(&u->proved[1], got[1], memory_order_relaxed);
	}
	return right;
}

static bool check_clear(const struct user *u, struct slice password)
{
	return strlen(u->password) == password.len &&
	       CRYPTO_memcmp(u->password, password.ptr, password.len) == 0;
}

const struct user *userlist_check(
    const struct userlist *list, struct slice name, struct slice password)
{
	for (struct user *u = list->users; u; u = u->next) {
		if (!slice_eq(slice_str(u->name), name))
			continue;
		/* crypt(3) takes text up to a NUL */
		if (!u->password || password.len >= PASSWORD_MAX ||
		    memchr(password.ptr, '\0', password.len))
			return NULL;
		bool right = u->hashed ? check_hashed(u, password) : check_clear(u, password);
		return right ? u : NULL;
	}
	return NULL;
}

struct slice user_group(const struct user *user, unsigned i)
{
	return i < user->groups_n ? slice_str(user->groups[i]) : SLICE_NULL;
}

/* ---- keywords ---- */

const struct conf_keyword userlist_keywords[] = {
	{ "group", CONF_OTHER, 0, 1, -1, set_group, 0, "<groupname> [users <user>,...]",
	    "a group, and who is in it" },
	{ "user", CONF_OTHER, 0, 1, -1, set_user, 0,
	    "<username> [password|insecure-password <password>] [groups <group>,...]",
	    "a user; password is a hash of crypt(3), insecure-password clear text" },
	{ .name = NULL },
};

static const struct conf_keyword *const userlist_tables[] = { userlist_keywords, NULL };

const struct conf_section section_userlist = {
	.name = "userlist",
	.scope = CONF_OTHER,
	.open = open_userlist,
	.tables = userlist_tables,
};
