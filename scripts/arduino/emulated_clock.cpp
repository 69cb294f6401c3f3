// qemu's Arduino Uno has no timer 0, which the core counts time with, so millis() would stand still there.
// Timer 1 does its work in the emulator: the sketch itself is compiled as for a real board.
#include <Arduino.h>

// The vector table's name of TIMER0_OVF_vect of the ATmega328P, which wiring.c defines.
ISR(TIMER1_COMPA_vect, ISR_NAKED) { asm volatile("jmp __vector_16"); }

// The core calls it before setup().
void initVariant() {
  TCCR1A = 0;
  TCCR1B = _BV(WGM12) | _BV(CS10);  // counts to OCR1A, a step each cycle
  OCR1A = 64UL * 256 - 1;           // as often as timer 0 overflows with its prescaler of 64
  TIMSK1 = _BV(OCIE1A);
}
