from epics import caget

print(caget("DEMO:MOTOR.EGU"), caget("DEMO:NOBODY.EGU"))
