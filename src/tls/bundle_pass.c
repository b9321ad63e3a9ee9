/* SPDX-License-Identifier: MIT */
/*
 * Passphrases. The program of "ssl-passphrase-cmd" gets the file as its first argument, then its own, and prints the
 * passphrase; what opened a key once is tried on the next ones first. While loading only: a program started by a
 * worker would stop its traffic, so a payload of an admin command must not be encrypted unless its passphrase is
 * known.
 */
#include "bundle_pass.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/pem.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#define PASSPHRASE_MAX 1024

static int give_passphrase(char *buf, int size, int rwflag, void *arg)
{
	const char *pass = arg;
	size_t len = pass ? strlen(pass) : 0;
	if (!pass || len > (size_t)size)
		return -1;
	memcpy(buf, pass, len);
	return (int)len;
}

/* pass NULL: fails on an encrypted key, without asking on a terminal. */
static EVP_PKEY *open_key(struct slice pem, const char *pass)
{
	BIO *bio = BIO_new_mem_buf(pem.ptr, (int)pem.len);
	EVP_PKEY *key =
	    bio ? PEM_read_bio_PrivateKey(bio, NULL, give_passphrase, (void *)(uintptr_t)pass)
		: NULL;
	BIO_free(bio);
	if (!key)
		tls_openssl_error();
	return key;
}

static EVP_PKEY *try_known(struct tls_store *s, struct slice pem)
{
	EVP_PKEY *key = NULL;
	for (unsigned i = 0; i < s->passphrases_n && !key; i++)
		key = open_key(pem, s->passphrases[i]);
	return key;
}

static void remember(struct tls_store *s, const char *pass)
{
	char **grown = reallocarray(s->passphrases, s->passphrases_n + 1, sizeof(*grown));
	if (!grown)
		return;
	s->passphrases = grown;
	grown[s->passphrases_n] = strdup(pass);
	if (grown[s->passphrases_n])
		s->passphrases_n++;
}

/* Runs the program and reads its first line of output. 0 or -errno. */
static int run_command(const char *const *cmd, const char *file, char out[PASSPHRASE_MAX])
{
	const char *argv[32];
	unsigned n = 0;
	argv[n++] = cmd[0];
	argv[n++] = file;
	for (unsigned i = 1; cmd[i] && n < ARRAY_SIZE(argv) - 1; i++)
		argv[n++] = cmd[i];
	argv[n] = NULL;

	int fds[2];
	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	posix_spawn_file_actions_t actions;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, fds[1], STDOUT_FILENO);
	pid_t pid;
	int err =
	    posix_spawnp(&pid, cmd[0], &actions, NULL, (char *const *)(uintptr_t)argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	close(fds[1]);
	size_t len = 0;
	while (err == 0 && len < PASSPHRASE_MAX - 1) {
		ssize_t r = read(fds[0], out + len, PASSPHRASE_MAX - 1 - len);
		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0)
			break;
		len += (size_t)r;
	}
	close(fds[0]);
	if (err)
		return -err;
	int status;
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	out[len] = '\0';
	out[strcspn(out, "\r\n")] = '\0';
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -ECHILD;
}

static EVP_PKEY *ask(
    struct tls_store *s, struct slice pem, const char *file, const struct tls_report *report)
{
	char pass[PASSPHRASE_MAX];
	if (!s->conf.passphrase_cmd || !s->conf.passphrase_cmd[0]) {
		tls_say(report, DIAG_ERROR,
		    "the private key in '%s' is protected by a passphrase, and there is no "
		    "'ssl-passphrase-cmd' to ask for it",
		    file);
		return NULL;
	}
	if (run_command(s->conf.passphrase_cmd, file, pass) < 0) {
		tls_say(report, DIAG_ERROR, "'ssl-passphrase-cmd' %s has failed for '%s'",
		    s->conf.passphrase_cmd[0], file);
		return NULL;
	}
	EVP_PKEY *key = open_key(pem, pass);
	if (key)
		remember(s, pass);
	else
		tls_say(report, DIAG_ERROR,
		    "the passphrase from 'ssl-passphrase-cmd' does not open the private key in "
		    "'%s'",
		    file);
	OPENSSL_cleanse(pass, sizeof(pass));
	return key;
}

int tls_pass_decrypt(struct tls_store *s, struct slice pem, const char *file, struct tls_blob *ret,
    const struct tls_report *report)
{
	/* one at a time, so that keys with the same passphrase ask for it once */
	pthread_mutex_lock(&s->intern_lock);
	EVP_PKEY *key = try_known(s, pem);
	if (!key)
		key = ask(s, pem, file, report);
	pthread_mutex_unlock(&s->intern_lock);
	if (!key)
		return -EACCES;
	unsigned char *der = NULL;
	int len = i2d_PrivateKey(key, &der);
	EVP_PKEY_free(key);
	if (len <= 0)
		return -ENOMEM;
	*ret = (struct tls_blob){ 0 };
	int err = tls_blob_set(ret, der, (size_t)len);
	OPENSSL_clear_free(der, (size_t)len);
	return err;
}
