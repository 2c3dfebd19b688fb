// GTSRB, the German traffic sign recognition benchmark: PPM files of many sizes and their lists in three zip archives.
import type { OfficialDataset } from '../dataset.ts';

const FROM = ['https://sid.erda.dk/public/archives/daaeac0d7ce1152aea9b61d9f1e19370/'];
/** Side to which its images, from 15 to 250 pixels wide, are resized unless another is asked for. */
const SIDE = 32;
const SIGNS = [
  'speed limit 20',
  'speed limit 30',
  'speed limit 50',
  'speed limit 60',
  'speed limit 70',
  'speed limit 80',
  'end of speed limit 80',
  'speed limit 100',
  'speed limit 120',
  'no overtaking',
  'no overtaking by lorries',
  'right of way at crossing',
  'priority road',
  'give way',
  'stop',
  'no vehicles',
  'no lorries',
  'no entry',
  'danger',
  'bend to the left',
  'bend to the right',
  'double bend',
  'uneven road',
  'slippery road',
  'road narrows',
  'road works',
  'traffic lights',
  'pedestrians',
  'children',
  'bicycles',
  'ice or snow',
  'wild animals',
  'end of all limits',
  'turn right ahead',
  'turn left ahead',
  'ahead only',
  'ahead or right',
  'ahead or left',
  'keep right',
  'keep left',
  'roundabout',
  'end of no overtaking',
  'end of no overtaking by lorries',
];

export const gtsrb: OfficialDataset = {
  name: 'gtsrb',
  title: 'GTSRB, German traffic signs',
  source: 'Stallkamp, Schlipsing, Salmen, Igel (Institut für Neuroinformatik, Bochum), for research',
  ...{ height: SIDE, width: SIDE, channels: 3 },
  classes: SIGNS,
  classCounts: {
    train: [
      210, 2220, 2250, 1410, 1980, 1860, 420, 1440, 1410, 1470, 2010, 1320, 2100, 2160, 780, 630, 420, 1110, 1200, 210,
      360, 330, 390, 510, 270, 1500, 600, 240, 540, 270, 450, 780, 240, 689, 420, 1200, 390, 210, 2070, 300, 360, 240,
      240,
    ],
    test: [
      60, 720, 750, 450, 660, 630, 150, 450, 450, 480, 660, 420, 690, 720, 270, 210, 150, 360, 390, 60, 90, 90, 120,
      150, 90, 480, 180, 60, 150, 90, 150, 270, 60, 210, 120, 390, 120, 60, 690, 90, 90, 60, 90,
    ],
  },
  reader: 1,
  files: [
    {
      name: 'GTSRB_Final_Training_Images.zip',
      bytes: 276_294_756,
      md5: 'f33fd80ac59bff73c82d25ab499e03a3',
      from: FROM,
    },
    {
      name: 'GTSRB_Final_Test_Images.zip',
      bytes: 88_978_620,
      md5: 'c7e4e6327067d32654124b0fe9e82185',
      from: FROM,
    },
    {
      name: 'GTSRB_Final_Test_GT.zip',
      bytes: 99_620,
      md5: 'fe31e9c9270bbcd7b84b7f21a9d9d9e5',
      from: FROM,
    },
  ],
  async open(paths, side) {
    // Loaded here because it brings in the image decoder, which most commands do not need.
    const { openGtsrb } = await import('./gtsrb-archives.ts');
    return openGtsrb(paths, side, SIGNS.length);
  },
};
