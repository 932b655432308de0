# Way 1: an image that has Node in it.
FROM node:22
# As root only until here: from now on as the user that the image made for this.
USER node
# Made by COPY or WORKDIR alone it would be root's, and npm could not write into it.
RUN mkdir /home/node/app
WORKDIR /home/node/app
COPY --chown=node:node ./node_complex ./
RUN npm ci
EXPOSE 3000
CMD ["node", "index.js"]
