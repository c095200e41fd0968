/** `npm run doctor-page`: writes docs/doctor.md. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { doctorPage } from './doctorPage';

writeFileSync(join(__dirname, '../../docs/doctor.md'), doctorPage());
