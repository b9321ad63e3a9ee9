/* SPDX-License-Identifier: MIT */
/*
 * weir: reads the command line and does the one thing that it asks for: show the version, evaluate a condition,
 * check a configuration, be a master, or serve.
 */
#include <fcntl.h>
#include <link.h>
#include <malloc.h>
#include <signal.h>
#include <unistd.h>

#include "modules.h"
#include "program.h"
#include "version.h"

static int refuse(const char *fmt, ...) WEIR_PRINTF(1, 2);
static int refuse(const char *fmt, ...)
{
	va_list ap;
	fprintf(stderr, "[ALERT]    (%d) : ", (int)getpid());
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	return 1;
}

/* -cc */
static int evaluate(struct program *p)
{
	char err[256] = "";
	struct conf *conf = conf_new(&(struct conf_setup){
	    .sections = module_sections,
	    .keywords = module_keywords,
	    .diag = p->diag,
	    .features = version_features,
	    .enabled = version_enabled,
	    .version = VERSION_LEVEL,
	});
	int r = conf ? conf_condition(conf, p->args.condition, err, sizeof(err)) : -1;
	conf_free(conf);
	if (r < 0)
		refuse("invalid condition: %s", err);
	return r < 0 ? 2 : r ? 0 : 1;
}

static int print_library(struct dl_phdr_info *info, size_t size, void *data)
{
	struct program *p = data;
	if (!*info->dlpi_name)
		return 0;
	if (p->args.verbose)
		printf("0x%012lx ", (unsigned long)info->dlpi_addr);
	printf("%s\n", info->dlpi_name);
	return 0;
}

/* -dL */
static void list_libraries(struct program *p)
{
	char self[4096];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	if (n > 0)
		printf("%.*s\n", (int)n, self);
	dl_iterate_phdr(print_library, p);
	fflush(stdout);
}

static bool has_listener(const struct program *p)
{
	for (const struct proxy *px = p->config->proxies; px; px = px->next) {
		if (px->binds && !(px->options & PR_O_DISABLED))
			return true;
	}
	return p->config->global.stats_sockets != NULL;
}

/* -c, after the configuration was found good. */
static int tell_valid(struct program *p)
{
	bool starts = has_listener(p);
	bool quiet = p->config->global.quiet;
	if (program_try(p) < 0)
		return 1;
	if (!starts) {
		if (!quiet)
			puts("Configuration file has no error but will not start (no listener) => "
			     "exit(2).\n");
		return 2;
	}
	if (!quiet)
		puts("Configuration file is valid");
	return 0;
}

static int load_and_run(struct program *p)
{
	int loaded = program_load(p);
	bool listed = !p->args.list_classes || modules_list(p->args.list_classes, stdout);
	if (program_judge(p) < 0 || loaded < 0) {
		if (p->config)
			config_unref(NULL, p->config);
		return 1;
	}
	if (!listed) {
		config_unref(NULL, p->config);
		return 1;
	}
	if (p->args.dump_libs)
		list_libraries(p);
	if (p->args.check)
		return tell_valid(p);
	if (!has_listener(p)) {
		config_unref(NULL, p->config);
		return refuse("no enabled listener found (check for 'bind' lines), exiting");
	}
	if (p->config->global.master_worker && p->ready_fd < 0)
		return program_master(p);
	return program_serve(p);
}

/* What a worker of a master does differently was decided by the master, which talks through the environment. */
static int take_orders(struct program *p)
{
	const char *fd = getenv(PROGRAM_READY_ENV);
	const char *old = getenv(PROGRAM_OLD_ENV);
	int64_t n;
	if (!fd || conf_parse_int(fd, &n) < 0)
		return 0;
	p->ready_fd = (int)n;
	const char *keep = getenv(PROGRAM_KEEP_ENV);
	if (keep && conf_parse_int(keep, &n) == 0 && fcntl((int)n, F_SETFD, FD_CLOEXEC) == 0)
		p->keep_fd = (int)n;
	p->args.chdir = NULL;
	p->args.daemon = false;
	if (!old)
		return 0;
	p->reloads = true;
	struct slice rest = slice_str(old);
	size_t count = 0, most = 1;
	for (const char *c = old; *c; c++)
		most += *c == ' ';
	pid_t *pids = calloc(most, sizeof(*pids));
	if (!pids)
		return -1;
	do {
		uint64_t pid;
		if (slice_to_u64(slice_cut(&rest, ' '), INT32_MAX, &pid) == 0 && pid > 0)
			pids[count++] = (pid_t)pid;
	} while (rest.ptr);
	free(p->args.old_pids);
	p->args.old_pids = pids;
	p->args.old_pids_n = count;
	p->args.old_signal = SIGUSR1;
	return 0;
}

static int run(struct program *p)
{
	const struct cmdline *a = &p->args;
	if (a->show_version) {
		version_print(stdout, a->show_build);
		return 0;
	}
	if (take_orders(p) < 0)
		return refuse("out of memory");
	if (a->poison >= 0)
		mallopt(M_PERTURB, ~a->poison & 0xff);
	if (a->condition)
		return evaluate(p);
	if (a->list_classes && !a->paths_n)
		return modules_list(a->list_classes, stdout) ? 0 : 1;
	if (a->notices.len && !a->quiet && p->ready_fd < 0)
		fputs(strbuf_str(&a->notices), stderr);
	if (!a->paths_n)
		return refuse(
		    "%s", "no configuration file: give one with -f (see weir without options)");
	if (a->chdir && chdir(a->chdir) < 0)
		return refuse("cannot change to directory '%s'", a->chdir);
	return load_and_run(p);
}

int main(int argc, char **argv)
{
	static struct program program;
	struct program *p = &program;
	char err[256];
	char node[256] = "";
	p->argv = argv;
	p->ready_fd = p->keep_fd = -1;
	p->signal_io.fd = -1;
	if (cmdline_parse(&p->args, argc, argv, err, sizeof(err)) < 0) {
		if (*err)
			refuse("%s", err);
		cmdline_usage(stderr);
		cmdline_done(&p->args);
		return 1;
	}
	gethostname(node, sizeof(node) - 1);
	p->node = node;
	p->diag = diag_new();
	int status = p->diag ? run(p) : 1;
	diag_free(p->diag);
	cmdline_done(&p->args);
	return status;
}
