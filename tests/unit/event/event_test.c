/* SPDX-License-Identifier: MIT */
/* Unit tests of the event module: the timer wheel, tasks, mail, pauses and grace periods. */
#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>

#include <cmocka.h>

#include "weir/event/worker.h"

struct probe {
	struct timer timer;
	uint64_t fired_at;
	unsigned fired;
};

static struct timer_wheel wheel;

static void on_timer(struct worker *w, struct timer *t)
{
	struct probe *p = container_of(t, struct probe, timer);
	(void)w;
	p->fired++;
	p->fired_at = wheel.now;
}

static void timer_fires_at_its_millisecond_whatever_its_distance(void **state)
{
	static const uint64_t delays[] = { 1, 2, 63, 64, 65, 127, 128, 4095, 4096, 4097, 262143,
		262145, 16777217, 1073741825 };
	(void)state;
	for (uint64_t start = 0; start < 70; start += 7) {
		for (size_t i = 0; i < ARRAY_SIZE(delays); i++) {
			struct probe p = { .fired = 0 };
			timer_wheel_init(&wheel, 1000000 + start);
			timer_init(&p.timer, on_timer);
			uint64_t at = wheel.now + delays[i];
			timer_arm(&wheel, &p.timer, at);
			while (!p.fired) {
				int64_t next = timer_wheel_next(&wheel, wheel.now);
				assert_true(next > 0);
				assert_true(wheel.now + (uint64_t)next <= at);
				timer_wheel_advance(&wheel, NULL, wheel.now + (uint64_t)next);
			}
			assert_int_equal(p.fired_at, at);
			assert_int_equal(timer_wheel_next(&wheel, wheel.now), -1);
		}
	}
}

static void late_advance_fires_all_that_is_due_once(void **state)
{
	struct probe p[500];
	(void)state;
	timer_wheel_init(&wheel, 12345);
	for (unsigned i = 0; i < 500; i++) {
		p[i] = (struct probe){ .fired = 0 };
		timer_init(&p[i].timer, on_timer);
		timer_arm(&wheel, &p[i].timer, 12345 + i * 37);
	}
	timer_wheel_advance(&wheel, NULL, 12345 + 250 * 37);
	for (unsigned i = 0; i < 500; i++)
		assert_int_equal(p[i].fired, i <= 250 ? 1 : 0);
	timer_wheel_advance(&wheel, NULL, 12345 + 1000000);
	for (unsigned i = 0; i < 500; i++)
		assert_int_equal(p[i].fired, 1);
}

static void cancelled_and_moved_timers_keep_to_the_last_word(void **state)
{
	struct probe a = { .fired = 0 }, b = { .fired = 0 };
	(void)state;
	timer_wheel_init(&wheel, 100);
	timer_init(&a.timer, on_timer);
	timer_init(&b.timer, on_timer);
	timer_arm(&wheel, &a.timer, 200);
	timer_arm(&wheel, &b.timer, 5000);
	timer_cancel(&wheel, &a.timer);
	timer_arm(&wheel, &b.timer, 150);
	timer_arm_sooner(&wheel, &b.timer, 900);
	timer_wheel_advance(&wheel, NULL, 149);
	assert_int_equal(b.fired, 0);
	timer_wheel_advance(&wheel, NULL, 150);
	assert_int_equal(b.fired, 1);
	timer_wheel_advance(&wheel, NULL, 10000);
	assert_int_equal(a.fired, 0);
	assert_int_equal(b.fired, 1);
}

struct letter {
	struct mail mail;
	unsigned number;
};

static struct letter letters[100];
static unsigned letters_read;
static struct worker_group *group;
static atomic_uint shared;
static struct task stop_task;

static void on_letter(struct worker *w, struct mail *mail)
{
	struct letter *l = container_of(mail, struct letter, mail);
	assert_int_equal(w->id, 1);
	assert_int_equal(l->number, letters_read);
	if (++letters_read == 100)
		worker_group_stop(w->group);
}

static void post_all(struct worker *w)
{
	if (w->id != 0)
		return;
	for (unsigned i = 0; i < 100; i++) {
		letters[i].number = i;
		worker_post(worker_get(w->group, 1), &letters[i].mail, on_letter);
	}
}

static void mail_arrives_in_order_on_its_worker(void **state)
{
	(void)state;
	letters_read = 0;
	group = worker_group_new(2, 16);
	assert_non_null(group);
	assert_int_equal(worker_group_run(group, post_all), 0);
	assert_int_equal(letters_read, 100);
	worker_group_free(group);
}

static void on_freed(void *arg)
{
	*(bool *)arg = true;
}

static bool freed;
static unsigned pauses;

static void pause_some(struct worker *w, struct task *task)
{
	worker_pause_others(w);
	unsigned before = atomic_load(&shared);
	for (volatile int i = 0; i < 10000; i++)
		;
	assert_int_equal(atomic_load(&shared), before);
	worker_resume_others(w);
	if (pauses == 0)
		worker_retire(w, on_freed, &freed);
	if (++pauses >= 200 && freed)
		worker_group_stop(w->group);
	else
		task_wake(w, task);
}

static struct task busy_tasks[4];

static void count_up(struct worker *w, struct task *task)
{
	atomic_fetch_add(&shared, 1);
	task_wake(w, task);
}

static void start_pausing(struct worker *w)
{
	if (w->id == 0) {
		task_init(&stop_task, pause_some);
		task_wake(w, &stop_task);
	} else {
		task_init(&busy_tasks[w->id], count_up);
		task_wake(w, &busy_tasks[w->id]);
	}
}

static void pause_stops_every_other_worker_and_retired_objects_are_freed(void **state)
{
	(void)state;
	freed = false;
	pauses = 0;
	group = worker_group_new(3, 16);
	assert_non_null(group);
	assert_int_equal(worker_group_run(group, start_pausing), 0);
	assert_true(freed);
	for (unsigned i = 1; i < 3; i++)
		task_cancel(&busy_tasks[i]);
	worker_group_free(group);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(timer_fires_at_its_millisecond_whatever_its_distance),
		cmocka_unit_test(late_advance_fires_all_that_is_due_once),
		cmocka_unit_test(cancelled_and_moved_timers_keep_to_the_last_word),
		cmocka_unit_test(mail_arrives_in_order_on_its_worker),
		cmocka_unit_test(pause_stops_every_other_worker_and_retired_objects_are_freed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
