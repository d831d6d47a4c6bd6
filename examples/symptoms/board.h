/* What main calls. */
#pragma once
#include <stdint.h>

void clock_start(void);
void ticker_start(void);
uint32_t ticker_now(void);
void button_init(void);
int button_pressed(void);
void sensor_init(void);
int sensor_read(void);
void display_init(void);
void display_put(uint8_t byte);
void battery_init(void);
uint32_t battery_millivolts(void);
void guard_start(void);
void guard_feed(void);
